/// The order matters: import.ts tests the first import, with an empty library.
import "./import.ts";
import "./gallery.ts";
import "./access.ts";
