"""The pipeline of dvc.yaml: fetch, prepare, validate, train, evaluate, bundle."""

import os

# The same inputs must give the same model, bit for bit. BLAS sums in an order that depends on
# the number of threads and on the kernel chosen for the CPU, and reads these when numpy loads;
# HASWELL runs on every x86-64 since 2013, and other architectures ignore it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_CORETYPE", "HASWELL")
