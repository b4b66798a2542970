// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The key for an engine, and how it is shown.
struct EngineCredential: Sendable {
    let source: any SecretSource
    /// The name of the header.
    let header: String
    /// What stands before the key.
    let scheme: String

    /// RFC 6750.
    static func bearer(_ source: any SecretSource) -> EngineCredential {
        EngineCredential(source: source, header: "Authorization", scheme: "Bearer ")
    }

    static func header(_ name: String, _ source: any SecretSource) -> EngineCredential {
        EngineCredential(source: source, header: name, scheme: "")
    }

    /// - Throws: ``ChatFailure`` while there is no key.
    func current(for engine: String) throws(ChatFailure) -> Secret {
        do {
            return try source.current()
        } catch {
            let code: ChatFailure.Code = error.code == .pending ? .overloaded : .noEngine
            throw ChatFailure(
                code, "\(engine) cannot be asked: \(error.message)", retryAfter: .seconds(1), cause: error)
        }
    }

    /// What a refused key means for the one who asked.
    ///
    /// - Returns: `nil` when there is no better key to be had.
    func failure(refused key: Secret, by engine: String) -> ChatFailure? {
        guard source.refused(key) else { return nil }
        return ChatFailure(
            .noEngine, "\(engine) refuses the key it was given; a newer one is looked for", retryAfter: .seconds(2))
    }
}
