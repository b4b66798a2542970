// SPDX-License-Identifier: Apache-2.0

import KithModel

extension CellMessage.AssistRequest {
    /// Reads the body of `POST /code-assist`.
    ///
    /// - Throws: ``UnusableBody`` with everything that is wrong.
    init(bridged body: JSONValue) throws(UnusableBody) {
        var fields = try FieldReader(body)
        self.init(
            code: fields.text("code"), context: fields.object("context"), action: fields.text("action", or: "analyze"))
        try fields.check()
    }
}

extension ForwardedSync {
    /// Reads the body of `POST /sync-consciousness`.
    ///
    /// - Throws: ``UnusableBody`` with everything that is wrong.
    init(bridged body: JSONValue) throws(UnusableBody) {
        var fields = try FieldReader(body)
        let level = fields.requiredNumber("level")
        let context = fields.object("context")
        let named = fields.member("source") == .null ? "" : fields.text("source", or: "")
        try fields.check()
        guard CellInfo.levels.contains(level) else {
            throw UnusableBody(
                field: "level", why: "the level must be from 0 to 10", input: body["level"] ?? .null)
        }
        // As in a cell: the context says it better than the body, and a blank name is none.
        let source = [context?["source"]?.stringValue, named].compactMap { $0 }.first { !$0.allSatisfy(\.isWhitespace) }
        guard case .named(let name)? = StateSource(source ?? Self.defaultSource) else {
            throw UnusableBody(
                field: "source", why: "a name has at most \(StateSource.nameLimit) bytes, and is not the id of a node",
                input: .string(source ?? ""))
        }
        self.init(level: level, context: Self.members(of: context), source: name)
    }

    private static func members(of context: JSONValue?) -> JSONObject {
        guard case .object(let members)? = context else { return [:] }
        return members
    }
}
