#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""dispatch.py LAVA DEVICE JOB OUT: have LAVA's dispatcher, unpacked in the directory LAVA,
run the job JOB on a device, which DEVICE describes in terms of LAVA's device types. What
it is told here, and a lab's is not: to keep its files in OUT, that it need not be root
for that, and to do without guestfs, which is for images of disks."""

import os
import runpy
import sys
import types

import jinja2
import yaml


def main():
    lava, device, job, out = sys.argv[1:]
    sys.path.insert(0, f"{lava}/usr/lib/python3/dist-packages")
    from lava_common import constants
    from lava_common.schemas.device import validate

    os.makedirs(f"{out}/tftp")
    with open(job, encoding="utf-8") as file:
        context = yaml.safe_load(file).get("context", {})
    types_of_devices = jinja2.FileSystemLoader(
        [os.path.dirname(device), f"{lava}/usr/share/lava-server/device-types"])
    configuration = jinja2.Environment(loader=types_of_devices).get_template(
        os.path.basename(device)).render(context, here=os.path.dirname(device), out=out)
    validate(yaml.safe_load(configuration))
    with open(f"{out}/device.yaml", "w", encoding="utf-8") as file:
        file.write(configuration)
    with open(f"{out}/dispatcher.yaml", "w", encoding="utf-8") as file:
        file.write("dispatcher_ip: 127.0.0.1\n")

    constants.DISPATCHER_DOWNLOAD_DIR = f"{out}/tmp"
    sys.modules["guestfs"] = types.ModuleType("guestfs")
    from lava_dispatcher.utils import filesystem
    filesystem.tftpd_dir = lambda: f"{out}/tftp"
    os.geteuid = lambda: 0
    sys.argv = ["lava-run", "--job-id", "1", "--output-dir", out,
                "--device", f"{out}/device.yaml",
                "--dispatcher", f"{out}/dispatcher.yaml", job]
    runpy.run_path(f"{lava}/usr/bin/lava-run", run_name="__main__")


main()
