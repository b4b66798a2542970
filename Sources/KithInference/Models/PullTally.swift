// SPDX-License-Identifier: Apache-2.0

import KithModel

/// How far a pull has come, over all the parts that its engine has told of: a pure value.
struct PullTally: Hashable, Sendable {
    /// A model has some ten; more are counted no further.
    private static let partLimit = 256

    private(set) var status = "asking for it"
    private var parts: [String: (total: Int, completed: Int)] = [:]
    /// Bytes of all parts.
    private(set) var total = 0
    /// Bytes that are there.
    private(set) var completed = 0

    static func == (left: PullTally, right: PullTally) -> Bool {
        (left.status, left.total, left.completed) == (right.status, right.total, right.completed)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(status)
        hasher.combine(total)
        hasher.combine(completed)
    }

    /// Bytes that are still to come, as far as is known.
    var missing: Int { max(0, total - completed) }

    /// The names of all parts.
    var names: [String] { Array(parts.keys) }

    /// - Returns: Whether more is to be got than was known before.
    mutating func take(_ sign: PullSign) -> Bool {
        if !sign.status.isEmpty { status = sign.status }
        guard let part = sign.part, let size = sign.total, size > 0 else { return false }
        let known = parts[part]
        guard known != nil || parts.count < Self.partLimit else { return false }
        let here = max(known?.completed ?? 0, min(sign.completed, size))
        parts[part] = (size, here)
        total = parts.values.reduce(0) { $0.saturatingAdding($1.total) }
        completed = parts.values.reduce(0) { $0.saturatingAdding($1.completed) }
        return size > known?.total ?? 0
    }
}

/// Whether what is to come has room.
struct DiskRoom: Hashable, Sendable {
    /// Bytes that are kept free: a disk that is full to the last byte is of no use to anybody.
    static let reserve = 256 << 20

    /// Bytes that are free now; `nil` when unknown.
    var free: Int?
    /// Of these, bytes that other pulls are to fill.
    var promised = 0
    /// Bytes that the other models of the engine take, those that are being pulled among them.
    var taken: Int
    /// Bytes of copies that nobody goes on with.
    var unfinished = 0
    /// Bytes that all models of an engine may take; `nil` for as many as there are.
    var budget: Int?

    func refusal(of model: ModelID, _ tally: PullTally) -> ModelRefusal? {
        let here = taken.saturatingAdding(unfinished)
        if let budget, here.saturatingAdding(tally.total) > budget {
            let limit = "the \(ByteText(budget)) of engine.disk_budget; remove one, or raise that"
            let all = ByteText(here).description + " already"
            let counted = unfinished > 0 ? "\(all), \(ByteText(unfinished)) of it copies that were not finished" : all
            return ModelRefusal(
                .overBudget,
                tally.total > 0
                    ? "\(model) takes \(ByteText(tally.total)), and the models here \(counted): together more than \(limit)"
                    : "the models here take \(counted), more than \(limit)")
        }
        if let free, tally.missing.saturatingAdding(promised).saturatingAdding(Self.reserve) > free {
            return ModelRefusal(
                .diskFull,
                "\(model) needs \(ByteText(tally.missing)) more, and the disk has \(ByteText(free)) left, of which "
                    + "\(ByteText(Self.reserve)) stay free"
                    + (promised > 0 ? " and \(ByteText(promised)) are for other pulls" : "") + "; remove something")
        }
        return nil
    }
}

/// Bytes as people read them: `4.7 GB`.
package struct ByteText: CustomStringConvertible, Sendable {
    package let description: String

    package init(_ bytes: Int) {
        description =
            switch bytes {
            case ..<1_000: "\(bytes) bytes"
            case ..<1_000_000: "\(bytes / 1_000) kB"
            case ..<1_000_000_000: "\(bytes / 1_000_000) MB"
            default: "\(bytes / 1_000_000_000).\(bytes % 1_000_000_000 / 100_000_000) GB"
            }
    }
}
