// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithMembership
import KithModel

extension CellMessage.AssistRequest {
    /// Reads the body of `POST /code-assist`.
    ///
    /// - Throws: ``UnusableBody`` with everything that is wrong.
    init(bridged body: JSONValue) throws(UnusableBody) {
        var fields = try FieldReader(body)
        let (code, action) = (fields.text("code"), fields.text("action", or: "analyze"))
        let context = BodyContext(fields)
        try UnusableBody.check(fields.faults + context.faults)
        self.init(code: code, context: context.members.map { .object($0) }, action: action)
    }
}

extension ForwardedSync {
    /// Reads the body of `POST /sync-consciousness`.
    ///
    /// - Throws: ``UnusableBody`` with everything that is wrong.
    init(bridged body: JSONValue) throws(UnusableBody) {
        var fields = try FieldReader(body)
        let level = fields.number("level")
        let context = BodyContext(fields)
        var faults = fields.faults + context.faults
        switch fields.member("level") {
        case nil: faults.append(.missing("level", in: body))
        case .null: faults.append(.wrong("level", "float_type", "Input should be a valid number", .null))
        case .some(let value):
            if let level, !CellInfo.levels.contains(level) {
                faults.append(.wrong("level", "value_error", "Value error, 'level' must be between 0 and 10", value))
            }
        }
        let source = fields.member("source") ?? context.members?["source"] ?? .null
        let name = source == .null ? Self.defaultSource : source.stringValue ?? ""
        if case .named? = StateSource(name) {
        } else {
            faults.append(
                .wrong("source", "value_error", "Value error, 'source' must be a name of 1 to 128 bytes", source))
        }
        try UnusableBody.check(faults)
        self.init(level: level ?? 0, context: context.members ?? [:], source: name)
    }
}

/// The field `context`: an object or null.
private struct BodyContext {
    var members: [String: JSONValue]?
    var faults: [FieldFault] = []

    init(_ fields: FieldReader) {
        switch fields.member("context") {
        case nil, .null: break
        case .object(let members): self.members = members
        case .some(let value):
            faults = [.wrong("context", "dict_type", "Input should be a valid dictionary", value)]
        }
    }
}

extension UnusableBody {
    fileprivate static func check(_ faults: [FieldFault]) throws(UnusableBody) {
        if !faults.isEmpty { throw UnusableBody(faults) }
    }
}

extension FieldFault {
    fileprivate static func missing(_ field: String, in body: JSONValue) -> FieldFault {
        .wrong(field, "missing", "Field required", body)
    }

    fileprivate static func wrong(
        _ field: String, _ type: String, _ message: String, _ input: JSONValue
    ) -> FieldFault {
        FieldFault(type: type, location: [.name("body"), .name(field)], message: message, input: input)
    }
}
