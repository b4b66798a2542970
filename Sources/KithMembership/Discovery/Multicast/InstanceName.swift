// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The name under which a node is advertised (RFC 6763, section 4.1.1): its own name, and of its id enough to be unique.
enum InstanceName {
    /// At most 63 bytes, as DNS allows for a label.
    static func of(_ name: NodeName, _ id: NodeID) -> String { "\(name.rawValue.prefix(48)) \(id.short)" }

    /// The node's name in whatever was advertised: what stands before the first space.
    static func nodeName(in instance: String) -> NodeName? {
        NodeName(String(instance.prefix { $0 != " " }))
    }
}
