/// How a scroll bar of bounded length reaches every place of a gallery of any length.
//
// Browsers cap an element at 2^24 px, which a million pictures pass twice over. So the scrolled element is at most
// TRACK_MAX high, and `shift` says how far the gallery's own places are from the element's. Small moves keep the shift:
// a wheel's step is a step, exactly. Large ones, which only the bar's thumb makes, go to the same share of the gallery.
// What changes above the pictures in view changes the shift, and nothing moves. At rest the bar is put where it belongs.

export const TRACK_MAX = 4_000_000;
// In screens: further than any wheel, key or finger goes at once.
const LEAP = 2;

export interface Extent {
  /** Of the whole gallery. */
  height: number;
  /** Of the window onto it. */
  screen: number;
}

export class Passage {
  #bar = 0;
  #shift = 0;
  #extent: Extent = { height: 0, screen: 1 };

  /** How high the scrolled element is to be. */
  get track(): number {
    return Math.min(Math.max(this.#extent.height, this.#extent.screen), TRACK_MAX);
  }

  /** The gallery's place minus the element's. */
  get shift(): number {
    return this.#shift;
  }

  /** The place at the top of the screen. */
  get place(): number {
    return Math.min(Math.max(0, this.#bar + this.#shift), this.#furthest);
  }

  measure(extent: Extent): void {
    this.#extent = extent;
    this.#bound();
  }

  /** The bar was moved. Answers whether it was a leap. */
  scrolled(bar: number): boolean {
    const leapt = Math.abs(bar - this.#bar) > LEAP * this.#extent.screen;
    this.#bar = bar;
    if (leapt) this.#shift = this.#placeOf(bar) - bar;
    this.#bound();
    return leapt;
  }

  /** What is above the screen grew by so much: what is on it stays where it is. */
  grew(change: number): void {
    this.#shift += change;
  }

  /** Go to a place. Answers where the bar belongs then. */
  go(place: number): number {
    const wanted = Math.min(Math.max(0, place), this.#furthest);
    this.#bar = this.#barOf(wanted);
    this.#shift = wanted - this.#bar;
    return this.#bar;
  }

  /** Where the bar belongs, for the place that is on the screen. */
  get rest(): number {
    return this.#barOf(this.place);
  }

  get #furthest(): number {
    return Math.max(0, this.#extent.height - this.#extent.screen);
  }

  get #run(): number {
    return Math.max(0, this.track - this.#extent.screen);
  }

  #placeOf(bar: number): number {
    return this.#run > 0 ? (bar / this.#run) * this.#furthest : 0;
  }

  #barOf(place: number): number {
    return this.#furthest > 0 ? Math.round((place / this.#furthest) * this.#run) : 0;
  }

  /** Beyond either end there is nothing to see. */
  #bound(): void {
    this.#shift = this.place - this.#bar;
  }
}
