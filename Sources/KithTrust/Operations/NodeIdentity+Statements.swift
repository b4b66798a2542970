// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension NodeIdentity {
    /// States that `subject` is kin. For a node that was forgotten, this is the statement that takes it back.
    ///
    /// The statement counts once it has been inserted into the log, which must be as complete as possible: a node that
    /// lost its database should first get its own statements back from a kin, or it uses their numbers again.
    package func admit(
        _ subject: NodeID, introduction: PairingIntroduction, in log: TrustLog, now: WallTime
    ) throws(TrustError) -> SignedOperation {
        guard subject != id else { throw TrustError(.ownID, "A node does not admit itself.") }
        // Not the greatest epoch of any admission: one that is void must not use epochs up.
        let epoch = max(log.resolution.kin[subject]?.epoch ?? 1, log.epochs(of: subject).forgotten + 1)
        guard epoch <= TrustOperation.epochLimit else {
            throw TrustError(
                .epochsExhausted,
                "\(subject) cannot be taken back any more; run \"kith rekey\" there and pair it under its new id.")
        }
        return try state(.admit(epoch: epoch, introduction: introduction), of: subject, in: log, now: now)
    }

    /// States that `subject` is no longer kin, and that nothing it states from now on counts.
    ///
    /// - Parameter wholly: Nor does whom it has admitted before, as when the machine was in the wrong hands.
    package func forget(
        _ subject: NodeID, wholly: Bool = false, in log: TrustLog, now: WallTime
    ) throws(TrustError) -> SignedOperation {
        let epochs = log.epochs(of: subject)
        let statement = TrustOperation.Statement.forget(
            epoch: max(1, epochs.admitted, epochs.forgotten),
            lastAccepted: wholly ? 0 : log.lastSequence(of: subject))
        return try state(statement, of: subject, in: log, now: now)
    }

    private func state(
        _ statement: TrustOperation.Statement, of subject: NodeID, in log: TrustLog, now: WallTime
    ) throws(TrustError) -> SignedOperation {
        let operation = TrustOperation(
            author: publicKey, sequence: log.lastSequence(of: id) + 1, subject: subject, statement: statement,
            saidAt: now)
        guard operation.sequence <= TrustOperation.sequenceLimit else {
            throw TrustError(
                .full, "This node has made as many statements as it may; run \"kith rekey\" and pair it again.")
        }
        do {
            return try operation.signed(by: self)
        } catch {
            throw TrustError(.failed, "The statement could not be signed.", cause: error)
        }
    }
}

extension TrustLog {
    /// The greatest epochs of `subject` that were reached step by step, by valid statements or not; 0 for none.
    fileprivate func epochs(of subject: NodeID) -> (admitted: UInt64, forgotten: UInt64) {
        var epochs: (admitted: UInt64, forgotten: UInt64) = (0, 0)
        let about = operations.filter { $0.subject == subject }
        let steps = EpochSteps(about)
        for operation in about where steps.leads(to: operation.epoch, of: subject) {
            switch operation.statement {
            case .admit(let epoch, _): epochs.admitted = max(epochs.admitted, epoch)
            case .forget(let epoch, _): epochs.forgotten = max(epochs.forgotten, epoch)
            }
        }
        return epochs
    }
}

/// Why this node could not state something about who is kin.
package struct TrustError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// A node does not admit itself.
        case ownID = "own_id"
        /// This node has made as many statements as it may.
        case full
        /// The subject has been forgotten and admitted as often as it may.
        case epochsExhausted = "epochs_exhausted"
        case failed
    }

    package var code: Code
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { "\(code.rawValue): \(message)" + (cause.map { " (\($0))" } ?? "") }
}
