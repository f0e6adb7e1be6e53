"""`make bulk`: predicts from objects of S3, one a message of SQS, as `make score` does from files.

    answering.py  one object becomes one object of answers
    handler.py    takes messages on Lambda
    __main__.py   takes them as a process, wherever containers run

An answer's key follows from the object and the model, its bytes from these and the code. So it does
not matter who answers, how often, and where it was cut off: what is there is whole, and is the
same. A message goes when its answer is there, and comes back when whoever took it ended.
"""
