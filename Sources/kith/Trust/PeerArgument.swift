// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithDialects

/// Which peer a command is about.
struct PeerArgument: ParsableArguments {
    @Argument(help: "The peer: its name, its id, or the first group of its id.", transform: PeerArgument.reference)
    var peer: PeerReference

    private static func reference(_ text: String) throws -> PeerReference {
        guard let peer = PeerReference(text) else {
            throw ValidationError("that is neither a name nor an id; kith peers lists both")
        }
        return peer
    }
}
