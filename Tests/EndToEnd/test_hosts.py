# SPDX-License-Identifier: Apache-2.0
"""The role `discovery` with the seeds' `config/hosts.yaml`: cells are found beside what hangs and what is none."""

import unittest

from lab import ports, web
from seed_stand_ins import CELL, StandIn
from surroundings import single_node

HOSTS = """
network:
  discovery_ports: [{ports}]
hosts:
  HERE:
    branch: main
    ip: 127.0.0.1
    type: cell
  FAR:
    ip: 203.0.113.5
discovery:
  probe_interval: 5
  connection_timeout: 20
"""


class HostsOfAFile(unittest.TestCase):
    def stand_in(self, *arguments, **options) -> StandIn:
        service = StandIn(*arguments, **options)
        self.addCleanup(service.stop)
        return service

    def test_cells_are_found_beside_what_hangs_and_what_is_none(self):
        hanging = self.stand_in(hangs=True)
        page = self.stand_in(page="<html>welcome</html>")
        cell = self.stand_in({"/health": CELL, "/register": {"status": "registered"}})
        asked = ", ".join(str(service.port) for service in (hanging, page, cell))
        discovery = ports.free_port()
        node = single_node("hosts", "echo", "--role", "node,discovery", "--discovery-port", str(discovery))
        (node.directory / "config").mkdir(parents=True, exist_ok=True)
        (node.directory / "config" / "hosts.yaml").write_text(HOSTS.format(ports=asked))
        self.addCleanup(node.stop)
        node.start()

        def peers():
            return web.get(discovery, "/peers").json()["peers"]

        # Well before the one that hangs is given up.
        found = web.wait_until(peers, 10, "a cell in the registry")
        self.assertEqual([(peer["cell_id"], peer["port"]) for peer in found], [(CELL["cell_id"], cell.port)])
        self.assertEqual(found[0]["consciousness_level"], CELL["consciousness_level"])
        self.assertIn("FAR is not asked", node.process.log.read_text())


if __name__ == "__main__":
    unittest.main()
