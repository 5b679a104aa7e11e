"""Pages and programs to read and to copy. `quire serve --examples` shows the pages at /examples;
the programs are run from a checkout. Nothing imports them."""
