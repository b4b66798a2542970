// SPDX-License-Identifier: Apache-2.0

package import KithModel
import NIOCore
import NIOPosix

/// Why a node could not be reached on its peer port.
package enum LinkFailure: Error, Hashable, Sendable {
    /// Nothing is known of where it is.
    case noAddress
    /// Every address answered that nobody listens there.
    case refused
    /// No way to any address; what the last attempt said.
    case unreachable(String)
    case timeout
    /// Another node answers at its addresses.
    case wrongNode(NodeID)
    /// It answers, and does not want to talk.
    case rejected(PeerRefusal)
    /// Both speak the protocol, in versions that have none in common.
    case incompatible(theirs: ProtocolVersions, ours: ProtocolVersions)

    /// How much it says: of several attempts, the failure with the greatest rank is the one to tell.
    var rank: Int {
        switch self {
        case .noAddress: 0
        case .refused: 1
        case .unreachable: 2
        case .timeout: 3
        case .wrongNode: 4
        case .incompatible: 5
        case .rejected: 6
        }
    }

    package init(connecting error: any Error) {
        switch error {
        case let failure as LinkFailure: self = failure
        case let error as NIOConnectionError:
            let failures = error.connectionErrors.map { LinkFailure(connecting: $0.error) }
            self = failures.max { $0.rank < $1.rank } ?? .unreachable("the name \(error.host) is unknown")
        case let error as IOError where error.errnoCode == ECONNREFUSED: self = .refused
        case let error as IOError where error.errnoCode == ETIMEDOUT: self = .timeout
        case ChannelError.connectTimeout: self = .timeout
        case is CancellationError: self = .unreachable("the connection was given up")
        default: self = .unreachable("\(error)")
        }
    }
}

extension LinkFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noAddress: "no address is known"
        case .refused: "nobody listens there"
        case .unreachable(let why): "unreachable: \(why)"
        case .timeout: "does not answer in time"
        case .wrongNode(let id): "another node, \(id.short), answers at its address"
        case .rejected(let refusal): refusal.message
        case .incompatible(let theirs, let ours):
            "speaks protocol version \(theirs), this node \(ours); update the older one"
        }
    }
}
