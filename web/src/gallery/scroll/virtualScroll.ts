/// Maps a scroll bar of limited length to a gallery of any height.
//
// Browsers limit an element to 2^24 px, which a million images exceed. The scrolled element is therefore at most
// TRACK_HEIGHT_MAX high, and `shift` is the difference between an offset in the gallery and one in the element. Small scroll
// steps keep the shift, so that a wheel step moves the content by exactly that step. Large steps, which only dragging the
// scroll bar makes, go to the same fraction of the gallery. A height change above the screen changes the shift, so that the
// content on the screen does not move. When scrolling ends, the scroll bar is aligned with the offset.

export const TRACK_HEIGHT_MAX = 4_000_000;
// In screen heights: more than a wheel, key or touch step moves at once.
const JUMP_MIN = 2;

export interface Extent {
  /** Height of the whole gallery. */
  height: number;
  /** Height of its visible part. */
  screen: number;
}

export class VirtualScroll {
  #scrollTop = 0;
  #shift = 0;
  #extent: Extent = { height: 0, screen: 1 };

  /** The height that the scrolled element must have. */
  get trackHeight(): number {
    return Math.min(Math.max(this.#extent.height, this.#extent.screen), TRACK_HEIGHT_MAX);
  }

  /** An offset in the gallery minus the corresponding offset in the element. */
  get shift(): number {
    return this.#shift;
  }

  /** The offset in the gallery at the top of the screen. */
  get offset(): number {
    return Math.min(Math.max(0, this.#scrollTop + this.#shift), this.#offsetMax);
  }

  setExtent(extent: Extent): void {
    this.#extent = extent;
    this.#clampShift();
  }

  /** Handle a change of the element's scrollTop. Return whether it was a jump. */
  onScroll(scrollTop: number): boolean {
    const isJump = Math.abs(scrollTop - this.#scrollTop) > JUMP_MIN * this.#extent.screen;
    this.#scrollTop = scrollTop;
    if (isJump) this.#shift = this.#offsetFor(scrollTop) - scrollTop;
    this.#clampShift();
    return isJump;
  }

  /** Handle a height change above the screen: keep the content on the screen where it is. */
  onHeightChangeAbove(change: number): void {
    this.#shift += change;
  }

  /** Go to an offset in the gallery. Return the scrollTop that the element must have. */
  scrollTo(offset: number): number {
    const target = Math.min(Math.max(0, offset), this.#offsetMax);
    this.#scrollTop = this.#scrollTopFor(target);
    this.#shift = target - this.#scrollTop;
    return this.#scrollTop;
  }

  /** The scrollTop that is aligned with the current offset. */
  get alignedScrollTop(): number {
    return this.#scrollTopFor(this.offset);
  }

  get #offsetMax(): number {
    return Math.max(0, this.#extent.height - this.#extent.screen);
  }

  get #scrollTopMax(): number {
    return Math.max(0, this.trackHeight - this.#extent.screen);
  }

  #offsetFor(scrollTop: number): number {
    return this.#scrollTopMax > 0 ? (scrollTop / this.#scrollTopMax) * this.#offsetMax : 0;
  }

  #scrollTopFor(offset: number): number {
    return this.#offsetMax > 0 ? Math.round((offset / this.#offsetMax) * this.#scrollTopMax) : 0;
  }

  /** Keep the offset within the gallery. */
  #clampShift(): void {
    this.#shift = this.offset - this.#scrollTop;
  }
}
