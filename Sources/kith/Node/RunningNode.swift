// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithModel
import KithNode
import KithTransport

/// A node that runs on a data folder of this machine, found by what it wrote there for its owner's commands.
struct RunningNode: Sendable {
    let client: NodeClient

    /// - Returns: `nil` when there is no such file, or no process holds the folder: a node that crashed leaves its file.
    /// - Throws: ``CommandFailure`` when the node's file cannot be read.
    init?(dataDirectory: String) throws {
        let file: ControlFile?
        do {
            file = try ControlFile.read(dataDirectory: dataDirectory)
        } catch {
            throw CommandFailure(.failed, "the node on \(dataDirectory) cannot be controlled: \(error)")
        }
        guard let file, DataFolder.isHeld(dataDirectory) else { return nil }
        client = NodeClient(
            address: file.url, key: file.token, pin: file.fingerprint.flatMap(CertificatePin.init(fingerprint:)),
            absence: Self.absence(dataDirectory))
    }

    static func require(dataDirectory: String) throws -> RunningNode {
        guard let node = try RunningNode(dataDirectory: dataDirectory) else {
            throw CommandFailure(.nodeUnreachable, absence(dataDirectory))
        }
        return node
    }

    /// The folder that `kith up` would take with the same flag.
    static func folder(_ flag: String?) throws -> String {
        try SettingSources.gather(
            flags: flag.map { [.dataDirectory: $0] } ?? [:], environment: Terminal.environment
        ).dataDirectory
    }

    private static func absence(_ folder: String) -> String {
        "no node runs on the data folder \(folder); start it with kith up, or name another with --data-dir or --url"
    }
}
