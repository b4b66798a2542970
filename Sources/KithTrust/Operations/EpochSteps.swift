// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Which epochs of a node were reached step by step: the first always; the next by an admission that follows a forgetting
/// of the one before. A statement with another number, such as a forgetting far ahead that would use all epochs up, counts for
/// nothing until the steps to it are there.
struct EpochSteps: Sendable {
    private var last: [NodeID: UInt64] = [:]

    init(_ operations: some Sequence<TrustOperation>) {
        // Few nodes were ever forgotten and paired again.
        let far = Set(operations.lazy.filter { $0.epoch > 1 }.map(\.subject))
        if far.isEmpty { return }
        var admitted: [NodeID: Set<UInt64>] = [:]
        var forgotten: [NodeID: Set<UInt64>] = [:]
        for operation in operations where far.contains(operation.subject) {
            switch operation.statement {
            case .admit(let epoch, _): admitted[operation.subject, default: []].insert(epoch)
            case .forget(let epoch, _): forgotten[operation.subject, default: []].insert(epoch)
            }
        }
        for (subject, epochs) in forgotten {
            var step: UInt64 = 1
            while epochs.contains(step), admitted[subject]?.contains(step + 1) == true { step += 1 }
            last[subject] = step
        }
    }

    func leads(to epoch: UInt64, of subject: NodeID) -> Bool { epoch <= last[subject] ?? 1 }
}
