// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithModel
import KithNode

/// Which node to speak to.
struct NodeFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The node to speak to; else KITH_URL, else http://127.0.0.1:8080.", valueName: "url"))
    var url: String?

    func client() throws -> NodeClient {
        NodeClient(address: try ClientSettings(url: url, environment: Terminal.environment).node)
    }
}
