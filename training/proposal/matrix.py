"""Jobs of a workflow, one a model: `make matrix` hands the names on as a matrix has them."""

import json
import sys

from training.proposal.github import write_outputs

if __name__ == "__main__":
    write_outputs(models=json.dumps(sys.argv[1:]))
