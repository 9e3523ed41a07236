/// The vertical offset of each page of the gallery. Heights are estimates until a page has been laid out.

export class PageOffsets {
  readonly #heights: Float64Array;
  /** Prefix sums of the heights. Indexes from #validTops on are out of date. */
  readonly #tops: Float64Array;
  #validTops = 1;

  constructor(pages: number, estimate: (page: number) => number) {
    this.#heights = new Float64Array(pages);
    this.#tops = new Float64Array(pages + 1);
    for (let page = 0; page < pages; page++) this.#heights[page] = estimate(page);
  }

  get pages(): number {
    return this.#heights.length;
  }

  get height(): number {
    return this.top(this.pages);
  }

  /** Replace a page's estimated height. Return the difference to the previous height. */
  setHeight(page: number, height: number): number {
    const change = height - (this.#heights[page] ?? height);
    if (change !== 0) {
      this.#heights[page] = height;
      this.#validTops = Math.min(this.#validTops, page + 1);
    }
    return change;
  }

  heightOf(page: number): number {
    return this.#heights[page] ?? 0;
  }

  top(page: number): number {
    for (; this.#validTops <= page; this.#validTops++) {
      const previous = this.#validTops - 1;
      this.#tops[this.#validTops] = (this.#tops[previous] as number) + (this.#heights[previous] as number);
    }
    return this.#tops[page] ?? 0;
  }

  /** Return the page at a vertical offset. Offsets outside the gallery belong to the first or the last page. */
  pageAt(offset: number): number {
    let [low, high] = [0, Math.max(0, this.pages - 1)];
    this.top(this.pages);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#tops[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
