// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithModel
import NIOCore
import Testing

@testable import KithServer

@Suite("Errors become answers")
struct ErrorRenderingTests {
    private struct OwnRefusal: Error {}

    private let rendering = ErrorRendering<PlainContext>(
        dialect: { asked in
            ErrorDialect { try PlainReply([asked.uri.path: $0.message], status: $0.status, headers: $0.headers) }
        },
        ownAnswer: { $0 is OwnRefusal ? Response(status: .conflict) : nil })

    private func answer(to error: any Error) async throws -> Response {
        let request = Request(
            head: HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/place"),
            body: RequestBody(buffer: ByteBuffer()))
        return try await rendering.handle(request, context: PlainContext()) { _, _ in throw error }
    }

    @Test("A surface answers its own refusals itself")
    func ownRefusal() async throws {
        let answer = try await answer(to: OwnRefusal())
        #expect(answer.status == .conflict)
        #expect(answer.headers[.contentType] == nil)
    }

    @Test("Every other error is answered in the dialect of its path")
    func dialect() async throws {
        let answer = try await answer(to: ChatError(.overloaded, "later", retryAfter: .seconds(2)))
        #expect(answer.status == .serviceUnavailable)
        #expect(answer.headers[.retryAfter] == "2")
        #expect(answer.headers[.contentLength] == String(#"{"/place":"later"}"#.utf8.count))
    }

    @Test("What this node or its kin have no room for is answered with 507")
    func insufficientStorage() async throws {
        let answer = try await answer(to: StateRefusal(.diskFull, "full"))
        #expect(answer.status.code == 507)
        #expect(answer.status.reasonPhrase == "Insufficient Storage")
    }

    @Test("Who has gone is not answered")
    func cancelled() async {
        await #expect(throws: CancellationError.self) { _ = try await answer(to: CancellationError()) }
    }
}
