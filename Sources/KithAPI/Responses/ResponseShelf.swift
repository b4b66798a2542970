// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
import KithServer
import KithStore

/// The responses that a node keeps for one client: who made one, and nobody else, can read it, go on from it and delete it.
///
/// They stay on this node. Clients without a key are one client.
struct ResponseShelf: Sendable {
    private let store: Store
    private let owner: String

    init(_ services: NodeServices, _ context: NodeRequestContext) {
        store = services.store
        if case .success(.key(let key)) = context.caller { owner = key.id } else { owner = "" }
    }

    /// - Throws: `ControlError` for one that is not there; `StoreError`.
    func response(_ id: String) async throws -> StoredResponse {
        guard let response = try await store.response(id, owner: owner, at: .now()) else { throw Self.missing(id) }
        return response
    }

    /// - Throws: As ``response(_:)``.
    func remove(_ id: String) async throws {
        guard try await store.removeResponse(id, owner: owner) else { throw Self.missing(id) }
    }

    /// Keeps a response that has ended well. One that cannot be kept says so.
    func keep(_ ending: inout ResponsesEnding, of prepared: PreparedResponse) async {
        guard prepared.header.stores, ending.failure == nil else { return }
        let response = StoredResponse(
            id: prepared.header.id, owner: owner, createdAt: .now(), items: JSONValue.array(prepared.items).jsonBytes,
            body: ending.response.jsonBytes, outputs: ending.output.compactMap { $0["id"]?.stringValue })
        let isKept: Bool
        do throws(StoreError) { isKept = try await store.keep(response) } catch { isKept = false }
        if !isKept { ending.isNotStored() }
    }

    /// The request with what it goes on from.
    ///
    /// - Throws: `ChatError` when that is not there; `StoreError`.
    func prepared(_ request: ResponsesRequest) async throws -> PreparedResponse {
        var history: [JSONValue] = []
        if let id = request.previousID {
            guard let previous = try await store.response(id, owner: owner, at: .now()) else {
                throw ChatError(
                    .invalidRequest, "the response '\(id.prefix(100))' is not here, or not any more",
                    field: "previous_response_id", engineCode: "previous_response_not_found")
            }
            history = previous.inputItems + previous.outputItems
        }
        let referenced = try await items(request.references)
        return try request.prepared(
            after: history, referenced: referenced, createdAt: Int(WallTime.now().milliseconds / 1_000))
    }

    /// The items of earlier answers that a request names, as far as they are there: it ends with the first that is not.
    ///
    /// - Throws: `ChatError` for too many, or too much: a small request must not become a large one; `StoreError`.
    private func items(_ references: [String]) async throws -> [String: JSONValue] {
        guard references.count <= Self.referenceLimit else {
            throw ChatError(.invalidRequest, "'input' names more than \(Self.referenceLimit) items", field: "input")
        }
        var items: [String: (item: JSONValue, bytes: Int)] = [:]
        var bytes = 0
        for id in references {
            if items[id] == nil {
                let holder = try await store.response(holding: id, owner: owner, at: .now())
                guard let item = holder?.outputItems.first(where: { $0["id"]?.stringValue == id }) else { break }
                items[id] = (item, item.jsonBytes.count)
            }
            bytes += items[id]?.bytes ?? 0
            guard bytes <= StoreLimits.largestResponse else {
                throw ChatError(.invalidRequest, "the items that 'input' names are too long together", field: "input")
            }
        }
        return items.mapValues(\.item)
    }

    private static let referenceLimit = 256

    private static func missing(_ id: String) -> ControlError {
        ControlError(.notFound, "there is no response '\(id.prefix(100))' here, or not any more")
    }
}

extension StoredResponse {
    /// What the engine was given; empty for what this program has not written.
    var inputItems: [JSONValue] { (try? JSONValue(parsing: items))?.arrayValue ?? [] }

    var outputItems: [JSONValue] { (try? JSONValue(parsing: body))?["output"]?.arrayValue ?? [] }
}
