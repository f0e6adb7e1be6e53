"""The pipeline of dvc.yaml: fetch, prepare, validate, train, evaluate, freeze, bundle."""

import os

# The same inputs must give the same model, bit for bit, whatever the shell has exported. Sums run
# in an order that depends on the number of threads, on BLAS's kernel and on its blocks: all of it
# is read when numpy loads, so a numpy that was loaded before keeps what it has
# (training/parallel/fingerprint.py says so). HASWELL runs on every x86-64 with AVX2 and FMA; other
# architectures ignore it. Its blocks follow from the size of the second-level cache, in KiB: with
# one of 1,024, HASWELL ends the process in a product of 400 columns (OpenBLAS 0.3.34, issue 6013).
# With AVX-512, some of numpy's logarithms and exponentials differ in the last bit.
KERNEL = "HASWELL"
WITHOUT = "X86_V4 AVX512_ICL AVX512_SPR"
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
os.environ |= {"OPENBLAS_CORETYPE": KERNEL, "OPENBLAS_L2_SIZE": "256"}
os.environ.pop("OPENBLAS_BLOCK_FACTOR", None)
if os.uname().machine == "x86_64":
    os.environ["NPY_DISABLE_CPU_FEATURES"] = WITHOUT
    os.environ.pop("NPY_ENABLE_CPU_FEATURES", None)  # numpy takes one of the two alone
