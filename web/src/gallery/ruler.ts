/// Where each page of the gallery stands, from its top to its last picture: heights that are known, and those that are guessed.

export class Ruler {
  readonly #heights: Float64Array;
  /** Where each page begins; valid below #valid. */
  readonly #tops: Float64Array;
  #valid = 1;

  constructor(pages: number, guess: (page: number) => number) {
    this.#heights = new Float64Array(pages);
    this.#tops = new Float64Array(pages + 1);
    for (let page = 0; page < pages; page++) this.#heights[page] = guess(page);
  }

  get pages(): number {
    return this.#heights.length;
  }

  get height(): number {
    return this.top(this.pages);
  }

  /** A page's height is known from now on. Answers by how much it differs from what was held for it. */
  know(page: number, height: number): number {
    const change = height - (this.#heights[page] ?? height);
    if (change !== 0) {
      this.#heights[page] = height;
      this.#valid = Math.min(this.#valid, page + 1);
    }
    return change;
  }

  heightOf(page: number): number {
    return this.#heights[page] ?? 0;
  }

  top(page: number): number {
    for (; this.#valid <= page; this.#valid++) {
      this.#tops[this.#valid] = (this.#tops[this.#valid - 1] as number) + (this.#heights[this.#valid - 1] as number);
    }
    return this.#tops[page] ?? 0;
  }

  /** The page that a place belongs to. */
  pageAt(place: number): number {
    let [low, high] = [0, Math.max(0, this.pages - 1)];
    this.top(this.pages);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#tops[middle] as number) <= place) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
