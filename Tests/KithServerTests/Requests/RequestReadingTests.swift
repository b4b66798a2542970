// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithModel
import Logging
import NIOCore
import Testing

@testable import KithServer

@Suite("What is read of a request")
struct RequestReadingTests {
    private struct Level: Decodable { var level: Double }

    private func request(
        _ text: String = "", type: String? = "application/json", length: Int? = nil, path: String = "/"
    ) -> Request {
        var fields = HTTPFields()
        fields[.contentType] = type
        fields[.contentLength] = length.map(String.init)
        return Request(
            head: HTTPRequest(method: .post, scheme: nil, authority: nil, path: path, headerFields: fields),
            body: RequestBody(buffer: ByteBuffer(string: text)))
    }

    // MARK: Bodies

    @Test(
        "A value is decoded of JSON of the right type and length, or of no type",
        arguments: ["application/json", nil] as [String?])
    func decodes(type: String?) async throws {
        let text = #"{"level": 2.5}"#
        let read = try await request(text, type: type).decode(Level.self, upTo: text.utf8.count)
        #expect(read.level == 2.5)
    }

    @Test("The type is refused before the length, and the length before what the body says")
    func refusesInOrder() async throws {
        await #expect(throws: SurfaceRefusal.unsupportedMediaType("text/plain")) {
            _ = try await request("no JSON", type: "text/plain").decode(Level.self, upTo: 3)
        }
        await #expect(throws: SurfaceRefusal.tooLarge(3)) {
            _ = try await request("no JSON").decode(Level.self, upTo: 3)
        }
        await #expect(throws: SurfaceRefusal.tooLarge(3)) {
            _ = try await request("", length: 4).decode(Level.self, upTo: 3)
        }
        let failure = await #expect(throws: ChatError.self) {
            _ = try await request("no JSON").decode(Level.self, upTo: 100)
        }
        #expect(failure?.code == .malformedRequest)
    }

    @Test("A body of any type is read to the last byte that is allowed")
    func readsWhole() async throws {
        let whole = try await request("gossip", type: "application/octet-stream").body(upTo: 6)
        #expect(whole == Array("gossip".utf8))
        await #expect(throws: SurfaceRefusal.tooLarge(5)) {
            _ = try await request("gossip", type: "application/octet-stream").body(upTo: 5)
        }
    }

    // MARK: Queries and paths

    @Test(
        "A number in the query is read, and may be missing",
        arguments: [("/?limit=1", 1), ("/?a=b&limit=50", 50), ("/", nil), ("/?offset=3", nil)] as [(String, Int?)])
    func queryNumber(path: String, number: Int?) throws {
        #expect(try request(path: path).queryNumber("limit", in: 1...50) == number)
    }

    @Test(
        "What is no number of the range is named with the range",
        arguments: ["0", "51", "-1", "x", "1.5", "99999999999999999999"])
    func wrongQueryNumber(text: String) {
        let failure = #expect(throws: ControlError.self) {
            _ = try request(path: "/?limit=\(text)").queryNumber("limit", in: 1...50)
        }
        #expect(failure?.code == .invalid)
        #expect(failure?.message == "'limit' must be from 1 to 50")
    }

    @Test(
        "A part of the path is read without its escapes, if they are any",
        arguments: [("desk", "desk"), ("a%2Fb%20c", "a/b c"), ("50%", nil), ("%FF", nil)] as [(Substring, String?)])
    func pathParameter(written: Substring, read: String?) {
        var context = PlainContext()
        #expect(context.pathParameter("id") == nil)
        context.coreContext.parameters = ["id": written]
        #expect(context.pathParameter("id") == read)
    }
}

/// A context without a connection.
struct PlainContext: RequestContext {
    struct Source: RequestContextSource {
        var logger = Logger(label: "test")
    }

    var coreContext: CoreRequestContextStorage

    init(source: Source) { coreContext = CoreRequestContextStorage(source: source) }

    init() { self.init(source: Source()) }
}
