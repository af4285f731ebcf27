"""Asks a running price-linkage for a replay under a reform, and reads one of its Arrow files.

    python examples/python/replay.py FILE.arrow [HOST:PORT]
"""

import pathlib
import sys
import tempfile

import grpc
import polars
from grpc_tools import protoc

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
REFORM = """
kind = "reform"
[trigger.conditions.cpi]
threshold = "2.5"
"""


def stubs():
    """Makes the stubs in a folder of their own."""
    out = tempfile.mkdtemp()
    files = [str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto")]
    options = ["protoc", f"-I{PROTO}", f"--python_out={out}", f"--grpc_python_out={out}"]
    # The well-known types of protobuf.
    options.append(f"-I{pathlib.Path(protoc.__file__).parent / '_proto'}")
    if protoc.main(options + files) != 0:
        sys.exit("the stubs cannot be made")
    sys.path.insert(0, out)
    from pricelinkage.v1 import common_pb2, replay_pb2, replay_pb2_grpc

    return common_pb2, replay_pb2, replay_pb2_grpc


def main():
    common, replay, services = stubs()
    address = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1:50051"
    month = common.YearMonth
    with grpc.insecure_channel(address) as channel:
        service = services.ReplayServiceStub(channel)
        request = replay.ReplayRequest(
            areas=["150100"],
            until=month(year=2019, month=12),
            asking=common.Asking(reforms=[REFORM]),
            depth=common.DEPTH_ANSWER,
            **{"from": month(year=2019, month=7)},
        )
        for item in service.Replay(request):
            if item.HasField("month"):
                status = item.month.status
                assert status.hypothetical
                print(f"{status.month.year}-{status.month.month:02}", status.reason.zh)
            else:
                totals = item.totals
                print(f"{totals.months} months, {totals.triggered} triggered")
    table = polars.read_ipc(sys.argv[1])
    print(table.group_by("group").agg(polars.sum("subsidy_yuan")).sort("group"))


if __name__ == "__main__":
    main()
