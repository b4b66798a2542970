// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Gives each tool call of a streamed choice its own index, also where the engine gives none, or the same to two.
struct ToolCallIndexing: Sendable {
    private static let limit = 1_024

    private struct Call {
        var index: Int
        var engineIndex: Int?
        var id: String
        var hasName: Bool
    }

    private var calls: [Call] = []

    /// The index of the call to which a piece belongs.
    ///
    /// A new call begins with an id that is not empty and not known, or with a function's name where there is one already.
    ///
    /// - Parameter engineIndex: What the engine says.
    /// - Throws: ``ChatFailure`` with `invalidAnswer` for too many calls.
    mutating func index(
        _ engineIndex: Int?, id: String?, hasName: Bool
    ) throws(ChatFailure) -> Int {
        let id = id ?? ""
        guard let place = place(engineIndex, id), !beginsAnother(calls[place], id, hasName) else {
            return try begin(Call(index: engineIndex ?? 0, engineIndex: engineIndex, id: id, hasName: hasName))
        }
        if calls[place].id.isEmpty { calls[place].id = id }
        if hasName { calls[place].hasName = true }
        return calls[place].index
    }

    private func place(_ engineIndex: Int?, _ id: String) -> Int? {
        if let engineIndex { return calls.lastIndex { $0.engineIndex == engineIndex } }
        return id.isEmpty ? calls.indices.last : calls.lastIndex { $0.id == id } ?? calls.indices.last
    }

    private func beginsAnother(_ call: Call, _ id: String, _ hasName: Bool) -> Bool {
        if !id.isEmpty, !call.id.isEmpty { return id != call.id }
        return hasName && call.hasName
    }

    private mutating func begin(_ call: Call) throws(ChatFailure) -> Int {
        guard calls.count < Self.limit else {
            throw ChatFailure(.invalidAnswer, "the engine's answer holds too many tool calls")
        }
        var call = call
        if !(0..<Self.limit).contains(call.index) || calls.contains(where: { $0.index == call.index }) {
            call.index = (calls.map(\.index).max() ?? -1) + 1
        }
        calls.append(call)
        return call.index
    }
}
