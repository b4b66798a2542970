// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// The secrets that were read, for whoever needs one now. What was read last is given out until something newer is.
final class SecretShelf: Sendable {
    private struct Entry {
        var secret: Secret?
        var problem = SecretProblem(.pending, "its key is being read from Vault")
    }

    private struct State {
        var entries: [VaultReference: Entry] = [:]
        /// Paths of secrets that nobody has begun to read.
        var new: Set<String> = []
        /// Paths of secrets that were refused and of which nobody has taken note yet.
        var refused: Set<String> = []
    }

    private let state = Mutex(State())

    var references: [VaultReference] { state.withLock { Array($0.entries.keys) } }

    func add(_ reference: VaultReference) {
        state.withLock { state in
            guard state.entries[reference] == nil else { return }
            state.entries[reference] = Entry()
            state.new.insert(reference.path)
        }
    }

    func takeNew() -> Set<String> {
        state.withLock { state in
            defer { state.new = [] }
            return state.new
        }
    }

    func current(_ reference: VaultReference) throws(SecretProblem) -> Secret {
        let entry = state.withLock { $0.entries[reference] } ?? Entry()
        guard let secret = entry.secret else { throw entry.problem }
        return secret
    }

    /// - Returns: Whether the secret is another than before.
    func put(_ secret: Secret, for reference: VaultReference) -> Bool {
        state.withLock { state in
            defer { state.entries[reference, default: Entry()].secret = secret }
            return state.entries[reference]?.secret != secret
        }
    }

    /// Says why there is no secret, for those of which none was ever read.
    func put(_ problem: SecretProblem, for references: [VaultReference]) {
        state.withLock { state in
            for reference in references { state.entries[reference]?.problem = problem }
        }
    }

    func noteRefused(_ reference: VaultReference) {
        state.withLock { _ = $0.refused.insert(reference.path) }
    }

    func takeRefused() -> Set<String> {
        state.withLock { state in
            defer { state.refused = [] }
            return state.refused
        }
    }
}
