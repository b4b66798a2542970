// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithModel
import KithServer

extension CellMessage.AssistRequest {
    /// Reads the body of `POST /code-assist`, as a cell and a bridge take it.
    ///
    /// - Throws: ``UnusableBody`` with everything that is wrong.
    init(body: JSONValue) throws(UnusableBody) {
        var fields = try FieldReader(body)
        self.init(
            code: fields.text("code"), context: fields.object("context"), action: fields.text("action", or: "analyze"))
        try fields.check()
    }
}

extension CellMessage.SyncRequest {
    /// Reads the body of `POST /sync-consciousness`, as a cell takes it.
    ///
    /// - Throws: ``UnusableBody`` with everything that is wrong.
    init(body: JSONValue) throws(UnusableBody) {
        var fields = try FieldReader(body)
        self.init(
            level: fields.requiredNumber("level"), context: fields.object("context"),
            source: fields.member("source") == .null ? nil : fields.text("source", or: ""))
        try fields.check()
    }
}

extension UnusableBody {
    /// - Returns: `nil` for a failure that is not the request's fault.
    init?(_ failure: ChatError, in request: CellMessage.AssistRequest) {
        guard failure.code == .invalidRequest else { return nil }
        self.init(field: failure.field ?? "code", why: failure.message, input: .string(request.action))
    }

    init(_ fault: SyncPlan.Fault) {
        self.init([
            FieldError(
                type: "value_error", location: [.name("body")] + fault.path.map { .name($0) },
                message: "Value error, \(fault.why)", input: fault.input)
        ])
    }

    /// Names the field where one is at fault.
    ///
    /// - Returns: `nil` for a refusal that is not the request's fault.
    init?(_ refusal: StateRefusal) {
        if let fault = refusal.cause as? SyncPlan.Fault {
            self.init(fault)
        } else if refusal.code == .invalid {
            self.init(field: "context", why: refusal.message, input: .null)
        } else {
            return nil
        }
    }
}

extension HTTPFields {
    /// What identifies a write that may come more than once, from `Idempotency-Key`.
    ///
    /// - Throws: ``UnusableBody`` for what cannot be one.
    func deliveryKey() throws -> DeliveryKey? {
        guard let text = self[.idempotencyKey] else { return nil }
        guard let key = DeliveryKey(text) else {
            throw UnusableBody([
                FieldError(
                    type: "value_error", location: [.name("header"), .name("idempotency-key")],
                    message: "Value error, a key has from 1 to 128 bytes and no control characters",
                    input: .string(String(text.prefix(200))))
            ])
        }
        return key
    }
}

extension HTTPField.Name {
    static let idempotencyKey = Self.known("idempotency-key")
}
