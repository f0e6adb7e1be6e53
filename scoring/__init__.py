"""`make score`: a model's answers to a whole file, as the service would give them.

    a source (sources/)   cuts a table, or a folder of pictures, into chunks of rows, in order
    scorers (scorer.py)   read each row as the API reads a body, predict, and write rows: in
                          processes here (processes.py), or on a Dask cluster (cluster.py)
    a part (part.py)      takes what was written, in order, and how far that is

What a chunk becomes follows from the plan (plan.py) and the chunk alone. So a run that was cut off
goes on at its last checkpoint, and its file has the bytes of one that was not.
"""
