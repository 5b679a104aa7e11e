"""A document's whole past: every item that it ever had, and what can be read from them.

    spans, units, pages   what runs of clocks, contents and stretches of a list are kept as
    order                 where items stand: YATA, as Yjs does it
    items                 all of that, built from the log row by row
    moments, shapes       how the document was at a seq, as plain values;
    encoding              and as an update
    difference            what changed between two moments, and by which rows
    inverse, likeness     the edit that goes back
    shelf                 a past as bytes
    jobs                  the pasts that a worker keeps, and what it is asked of them

Pure, and without an engine: `collab.history` asks in a worker. Nothing here is needed to edit.
"""
