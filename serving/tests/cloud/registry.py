"""Images in moto's registry."""

import hashlib
import json


def put_images(client, tags):
    """An image of each tag, in the repository quickthaw.

    With its digest: moto would draw one of a hundred, and now and then the same for two images.
    """
    for tag in tags:
        digest = "sha256:" + hashlib.sha256(tag.encode()).hexdigest()
        client.put_image(
            repositoryName="quickthaw",
            imageDigest=digest,
            imageManifest=json.dumps({"schemaVersion": 2, "config": {"digest": digest}}),
            imageManifestMediaType="application/vnd.docker.distribution.manifest.v2+json",
            imageTag=tag,
        )


def list_tags(client):
    found = client.describe_images(repositoryName="quickthaw")["imageDetails"]
    return {tag for one in found for tag in one["imageTags"]}
