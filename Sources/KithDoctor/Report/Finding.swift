// SPDX-License-Identifier: Apache-2.0

/// What one check found out about one thing.
package struct Finding: Hashable, Sendable {
    package enum Severity: String, Sendable, CaseIterable, Comparable {
        /// Could not be done, or makes no sense here; says why.
        case skipped
        case ok
        /// Worth knowing; nothing is wrong.
        case notice
        /// Something does not work, and the node goes on without it.
        case warning
        case error

        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

        package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
    }

    /// How to fix it.
    package struct Fix: Hashable, Sendable {
        package var sentence: String
        /// To be typed as it stands.
        package var command: String?

        package init(_ sentence: String, command: String? = nil) {
            self.sentence = sentence
            self.command = command
        }
    }

    package var check: CheckID
    /// A few words.
    package var title: String
    package var severity: Severity
    /// One sentence without its full stop; never holds a secret.
    package var seen: String
    package var fix: Fix?
    /// Which peer, service, port or file.
    package var subject: String?
    /// At which of the subject's addresses.
    package var address: String?
    package var duration: Duration?
    /// Follows from another fault, so that mending this would not help.
    package var isConsequence: Bool

    package init(
        _ check: CheckID, _ title: String, _ severity: Severity, _ seen: String, fix: Fix? = nil,
        of subject: String? = nil,
        took duration: Duration? = nil, isConsequence: Bool = false
    ) {
        self.check = check
        self.title = title
        self.severity = severity
        self.seen = seen
        self.fix = fix
        self.subject = subject
        self.duration = duration
        self.isConsequence = isConsequence
    }

    package var isFault: Bool { severity >= .warning }

    /// The same finding about another subject.
    func about(_ subject: String, at address: String? = nil) -> Finding {
        var finding = self
        finding.subject = subject
        finding.address = address
        return finding
    }
}

/// What was looked at, in the order in which one thing needs another: a fault of an earlier check explains those of
/// later ones.
package enum CheckID: String, Sendable, CaseIterable, Codable {
    case settings
    case peersFile = "peers_file"
    case dataFolder = "data_folder"
    case diskSpace = "disk_space"
    case database
    case identity
    case certificate
    case port
    /// Whether the node that runs answers its owner.
    case node
    case interfaces
    case hostName = "host_name"
    case mdns
    case dns
    case ping
    /// A TCP connection.
    case connect
    case tls
    /// Whose certificate it is.
    case peerIdentity = "peer_identity"
    /// Whether the other side knows this node.
    case trust
    case protocolVersion = "protocol_version"
    /// What answers over HTTP, and how it is.
    case service
    case clock
    /// What the nodes tell each other by gossip.
    case mesh
    /// Keys of engines may come from it.
    case vault
    case engine
    /// A tiny real answer.
    case generation
    case registry
    case sync

    /// Smaller for what others depend on.
    package var depth: Int { Self.allCases.firstIndex(of: self) ?? Self.allCases.count }
}
