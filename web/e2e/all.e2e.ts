/// In this order: who imports for the first time comes first.
import "./import.ts";
import "./gallery.ts";
import "./access.ts";
