// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

/// What one `POST /sync-consciousness` changes in the shared state: a pure value.
struct SyncPlan {
    /// Members of a context.
    static let memberLimit = 64
    /// Bytes of a member's value, as JSON.
    static let valueLimit = 16 << 10
    /// The source of what an unnamed caller says.
    static let unnamed = StateSource.named("client")

    /// The part of the request that cannot be accepted.
    struct Fault: Error {
        /// From the body down to it.
        var path: [String]
        var why: String
        var input: JSONValue
    }

    /// In the order in which they are written.
    let changes: [StateChange]
    let hasContext: Bool
    /// Whose level it is, beside the cell's; `nil` where nobody is named.
    let source: StateSource?

    /// - Parameter node: The cell's own, whose level is declared; `nil` where no cell is known.
    init(_ request: CellMessage.SyncRequest, node: NodeID?) throws(Fault) {
        guard request.level.isFinite, (0...10).contains(request.level) else {
            throw Fault(path: ["level"], why: "the level must be from 0 to 10", input: Self.shown(request.level))
        }
        let members = try Self.members(of: request.context)
        let source = try Self.source(in: members, of: request)
        var changes: [StateChange] = node.map { [.level(request.level, of: .node($0))] } ?? []
        if let source { changes.append(.level(request.level, of: source)) }
        for (key, value) in members.sorted(by: { $0.key < $1.key }) where key != "source" {
            changes.append(try Self.change(key, value, by: source ?? Self.unnamed))
        }
        self.changes = changes
        self.source = source
        hasContext = request.context != nil
    }

    private static func members(of context: JSONValue?) throws(Fault) -> JSONObject {
        guard let context else { return [:] }
        guard case .object(let members) = context else {
            throw Fault(path: ["context"], why: "the context must be an object", input: context)
        }
        guard members.count <= memberLimit else {
            throw Fault(
                path: ["context"], why: "the context has \(members.count) members; at most \(memberLimit) are taken",
                input: .integer(Int64(members.count)))
        }
        return members
    }

    /// A blank name counts as none.
    private static func source(
        in members: JSONObject, of request: CellMessage.SyncRequest
    ) throws(Fault) -> StateSource? {
        let (path, text) =
            if let text = members["source"]?.stringValue {
                (["context", "source"], text)
            } else {
                (["source"], request.source ?? "")
            }
        if text.allSatisfy(\.isWhitespace) { return nil }
        switch StateSource(text) {
        case .named(let name): return .named(name)
        // A node declares its own level, and nobody else does.
        case .node: throw Fault(path: path, why: "the id of a node cannot be a client's name", input: .string(text))
        case nil:
            throw Fault(
                path: path, why: "a name has at most \(StateSource.nameLimit) bytes and no control characters",
                input: .string(text))
        }
    }

    private static func change(
        _ key: String, _ value: JSONValue, by source: StateSource
    ) throws(Fault) -> StateChange {
        guard case .context(let name)? = RegisterKey(.context, name: key) else {
            throw Fault(
                path: ["context"], why: "a key has from 1 to \(RegisterKey.nameLimit) bytes and no control characters",
                input: .string(key))
        }
        guard let size = value.jsonText?.utf8.count, size <= valueLimit else {
            throw Fault(
                path: ["context", name], why: "a value has at most \(valueLimit) bytes as JSON", input: .null)
        }
        return .context(name, value, by: source)
    }

    /// JSON cannot express infinity or what is not a number.
    private static func shown(_ level: Double) -> JSONValue {
        level.isFinite ? .number(level) : .string("\(level)")
    }
}
