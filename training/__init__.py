"""The pipeline of dvc.yaml: fetch, prepare, validate, train, evaluate, freeze, bundle."""

import os

# The same inputs must give the same model, bit for bit. BLAS sums in an order that depends on
# the number of threads and on the kernel chosen for the CPU, and reads these when numpy loads;
# HASWELL runs on every x86-64 since 2013, and other architectures ignore it. With AVX-512 numpy
# computes some logarithms and exponentials another bit than without.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_CORETYPE", "HASWELL")
if os.uname().machine == "x86_64":
    os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V4 AVX512_ICL AVX512_SPR")
