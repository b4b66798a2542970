// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// One write that this node makes.
package struct LocalWrite: Hashable, Sendable {
    package var register: RegisterKey
    package var source: StateSource
    /// JSON text; `nil` removes what is there.
    package var value: [UInt8]?

    package init(_ register: RegisterKey, by source: StateSource, value: [UInt8]?) {
        self.register = register
        self.source = source
        self.value = value
    }
}

/// What a step did: what is to be stored, and which registers may read differently now.
package struct LogOutcome: Hashable, Sendable {
    package var transition = LogTransition()
    package var changed: Set<RegisterKey> = []
    /// Others knew writes of this log that this node did not: its database is an older copy of itself.
    package var wasRestored = false

    package init() {}

    package mutating func append(_ next: LogOutcome) {
        transition.inserted += next.transition.inserted
        transition.removed += next.transition.removed
        for (replica, sequence) in next.transition.versions.sequences {
            transition.versions.set(replica, to: sequence)
        }
        transition.floor.merge(next.transition.floor)
        transition.own = next.transition.own ?? transition.own
        changed.formUnion(next.changed)
        wasRestored = wasRestored || next.wasRestored
    }
}
