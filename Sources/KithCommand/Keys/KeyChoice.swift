// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// Which key is meant by an id or a name.
package enum KeyChoice {
    /// An id goes before a name. A name counts among the keys that have not been revoked, and must be the only such one.
    ///
    /// - Throws: ``CommandFailure`` when there is none, or there are several.
    package static func find(
        _ text: String, in keys: [ControlMessage.Key]
    ) throws(CommandFailure) -> ControlMessage.Key {
        if let key = keys.first(where: { $0.id == text }) { return key }
        let named = keys.filter { $0.name == text && $0.state != .revoked }
        let shown = text.printable.truncated(toWidth: 40)
        if named.count > 1 {
            let ids = named.prefix(8).map(\.id.printable).joined(separator: ", ")
            throw CommandFailure(.usage, "several keys are called \(shown); name one by its id: \(ids)")
        }
        guard let key = named.first else {
            throw CommandFailure(.notAnswered, "there is no key \(shown); kith key list lists them")
        }
        return key
    }
}
