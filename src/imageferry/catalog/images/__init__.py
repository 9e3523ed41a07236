"""Records of stored images, with their counters, word index, deletions and thumbnails."""
