// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import Logging
import Synchronization

/// This node's credential for Vault.
package enum VaultCredential: Hashable, Sendable {
    case token(Secret)
    /// Vault's method for programs (https://developer.hashicorp.com/vault/docs/auth/approle).
    case appRole(roleID: String, secretID: Secret)
}

/// Keeps the secrets that a node needs from Vault: logs in, reads them, and reads them again.
///
/// No caller waits for Vault: it gets the last secret that was read, or the reason why there is none yet.
package final class VaultSecrets: SecretKeeper {
    private let client: VaultClient
    private let credential: VaultCredential
    private let clock: any TimeSource
    private let logger: Logger
    private let shelf = SecretCache()
    private let rest: WakeableSleep

    package init(
        client: VaultClient, credential: VaultCredential, clock: any TimeSource = MonotonicClock(), logger: Logger
    ) {
        self.client = client
        self.credential = credential
        self.clock = clock
        self.logger = logger
        rest = WakeableSleep(clock: clock)
    }

    /// A source of a secret that ``run()`` reads from now on.
    package func source(of reference: VaultReference) -> any SecretSource {
        shelf.add(reference)
        rest.wake()
        return VaultSecret(reference: reference, shelf: shelf, rest: rest)
    }

    /// Asks Vault when something is due, until the task is cancelled; asks nothing while no secret is wanted.
    package func run() async {
        var session = Session(credential: credential, at: clock.now)
        while !Task.isCancelled {
            session.agenda.add(shelf.takeNew(), at: clock.now)
            for path in shelf.takeRefused() { session.agenda.update(path) { $0.hurry(at: clock.now) } }
            switch session.agenda.next(at: clock.now) {
            case .ask(let question): await ask(question, &session)
            case .read(let path): await read(path, &session)
            case .wait(let moment): await rest.sleep(until: moment)
            }
        }
    }

    private struct Session {
        var agenda: VaultScheduler
        var token: Secret?
        /// Troubles that were logged and still last, by subject.
        var troubles: [String: String] = [:]
        var generator = SystemRandomNumberGenerator()

        init(credential: VaultCredential, at now: MonotonicInstant) {
            switch credential {
            case .token(let token):
                agenda = VaultScheduler(lease: LeaseKeeper(method: .token, at: now))
                self.token = token
            case .appRole: agenda = VaultScheduler(lease: LeaseKeeper(method: .appRole, at: now))
            }
        }
    }

    // MARK: The token

    private func ask(_ question: LeaseKeeper.Question, _ session: inout Session) async {
        do {
            let lease = try await answer(to: question, &session)
            session.agenda.lease.answered(question, lease, at: clock.now)
            settle("token", &session)
            if session.agenda.lease.isEnding {
                warn("token", "the token ends and cannot be renewed; put another in vault.token before", &session)
            }
        } catch {
            guard let failure = error as? VaultError else { return }  // cancelled
            session.agenda.lease.failed(
                question, failure.isPassing ? .unavailable : .denied, at: clock.now, using: &session.generator)
            warn("token", failure.message, &session)
            if !session.agenda.lease.isUsable(at: clock.now) { shelf.put(failure.problemOfKey, for: shelf.references) }
        }
    }

    private func answer(to question: LeaseKeeper.Question, _ session: inout Session) async throws -> VaultLease {
        switch (question, credential, session.token) {
        case (.logIn, .appRole(let roleID, let secretID), _):
            let grant = try await client.logIn(roleID: roleID, secretID: secretID)
            session.token = grant.token
            return grant.lease
        case (.lookUp, _, let token?): return try await client.lookUp(token)
        case (.renew, _, let token?): return try await client.renew(token)
        default: throw VaultError(.denied, "there is no token for Vault")
        }
    }

    // MARK: Secrets

    private func read(_ path: String, _ session: inout Session) async {
        let references = shelf.references.filter { $0.path == path }
        do {
            guard let token = session.token else { throw VaultError(.denied, "there is no token for Vault") }
            let fields = try await client.read(path, token: token)
            session.agenda.update(path) { $0.succeeded(at: clock.now) }
            take(fields, of: path, for: references, &session)
        } catch {
            guard let failure = error as? VaultError else { return }  // cancelled
            if failure.code == .denied { session.agenda.lease.wasDenied(at: clock.now) }
            let setback: LeaseKeeper.Setback = failure.isPassing ? .unavailable : .denied
            session.agenda.update(path) { $0.failed(setback, at: clock.now, using: &session.generator) }
            shelf.put(failure.problemOfKey, for: references)
            warn(path, failure.message, &session)
        }
    }

    private func take(
        _ fields: VaultFields, of path: String, for references: [VaultReference], _ session: inout Session
    ) {
        var problem: VaultError?
        for reference in references {
            do {
                guard shelf.put(try fields.secret(of: reference), for: reference) else { continue }
                logger.info("secret read from Vault", metadata: ["reference": "\(reference)"])
            } catch {
                shelf.put(error.problemOfKey, for: [reference])
                problem = error
            }
        }
        if let problem {
            session.agenda.update(path) { $0.failed(.denied, at: clock.now, using: &session.generator) }
            warn(path, problem.message, &session)
        } else {
            settle(path, &session)
        }
    }

    // MARK: The log

    private func warn(_ subject: String, _ message: String, _ session: inout Session) {
        guard session.troubles[subject] != message else { return }
        session.troubles[subject] = message
        logger.warning("Vault does not give what is needed", metadata: ["about": "\(subject)", "reason": "\(message)"])
    }

    private func settle(_ subject: String, _ session: inout Session) {
        guard session.troubles.removeValue(forKey: subject) != nil else { return }
        logger.info("Vault gives again what is needed", metadata: ["about": "\(subject)"])
    }
}

/// A secret as it was last read from Vault.
private struct VaultSecret: SecretSource {
    let reference: VaultReference
    let shelf: SecretCache
    let rest: WakeableSleep

    func current() throws(SecretError) -> Secret { try shelf.current(reference) }

    func refused(_ secret: Secret) -> Bool {
        shelf.noteRefused(reference)
        rest.wake()
        return true
    }
}

/// The secrets that were read, for use at any time. The last one that was read is given out until a newer one is.
final class SecretCache: Sendable {
    private struct Entry {
        var secret: Secret?
        var problem = SecretError(.pending, "its key is being read from Vault")
    }

    private struct State {
        var entries: [VaultReference: Entry] = [:]
        /// Paths of secrets whose reading has not been scheduled yet.
        var new: Set<String> = []
        /// Paths of secrets that were refused, as long as no note has been taken of that.
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

    func current(_ reference: VaultReference) throws(SecretError) -> Secret {
        let entry = state.withLock { $0.entries[reference] } ?? Entry()
        guard let secret = entry.secret else { throw entry.problem }
        return secret
    }

    /// - Returns: Whether the secret differs from the one before.
    func put(_ secret: Secret, for reference: VaultReference) -> Bool {
        state.withLock { state in
            defer { state.entries[reference, default: Entry()].secret = secret }
            return state.entries[reference]?.secret != secret
        }
    }

    /// Sets the reason why there is no secret, which counts for those of which none was ever read.
    func put(_ problem: SecretError, for references: [VaultReference]) {
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
