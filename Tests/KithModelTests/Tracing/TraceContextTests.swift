// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@Suite("Trace context")
struct TraceContextTests {
    private static let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func `A parent is read and written as it came`() throws {
        let context = try #require(TraceContext(parent: Self.valid))
        #expect(context.trace.description == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(context.span.description == "00f067aa0ba902b7")
        #expect(context.isSampled)
        #expect(context.parent == Self.valid)
    }

    @Test(arguments: [
        "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
        " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "0é-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
    ])
    func `What is no parent counts as none`(text: String) { #expect(TraceContext(parent: text) == nil) }

    @Test func `A later version is read as far as this one knows it`() throws {
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-what.the-future.holds"
        let context = try #require(TraceContext(parent: later))
        #expect(context.parent == Self.valid)
        #expect(TraceContext(parent: later + String(repeating: "x", count: 512)) == nil)
    }

    @Test func `Cut at any byte it counts as none`() {
        for length in 0..<Self.valid.utf8.count {
            #expect(TraceContext(parent: String(Self.valid.prefix(length))) == nil)
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `Spoilt bytes never lead to a context that is written in another way`(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            let spoilt = Mutations.spoil(Array(Self.valid.utf8), using: &generator)
            let state = Mutations.spoil(Array("congo=t61rcWkgMzE,rojo@sys=00f067aa".utf8), using: &generator)
            guard
                let context = TraceContext(
                    parent: String(decoding: spoilt, as: UTF8.self), state: [String(decoding: state, as: UTF8.self)])
            else { continue }
            #expect(TraceContext(parent: context.parent, state: [context.state]) == context)
            #expect(context.state.utf8.count <= TraceState.byteLimit)
            #expect(context.state.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        }
    }

    @Test func `The state of other systems is passed on, blanks and empty entries left out`() {
        let context = TraceContext(parent: Self.valid, state: ["congo=t61 , ,rojo@sys=a b", "\tlast=1\t"])
        #expect(context?.state == "congo=t61,rojo@sys=a b,last=1")
    }

    @Test(arguments: [
        "noequals", "Upper=1", "a=1,a=2", "a=", "a=b=c", "=1", "a@=1", "@b=1", "a@B=1", "a=\u{7F}", "a=é", "a@b@c=1",
        (0..<33).map { "k\($0)=1" }.joined(separator: ","),
    ])
    func `A state that is not valid is left out, and the parent kept`(state: String) {
        let context = TraceContext(parent: Self.valid, state: [state])
        #expect(context?.state == "")
    }

    @Test func `Of a long state the long entries go first, and then the last`() throws {
        let long = "long=" + String(repeating: "x", count: 200)
        let short = (0..<30).map { "k\($0)=" + String(repeating: "y", count: 20) }
        let joined = try #require(TraceState.joined([([long] + short).joined(separator: ",")]))
        #expect(joined.utf8.count <= TraceState.byteLimit)
        #expect(joined.hasPrefix("k0="))
    }

    @Test func `A request that was named here names its trace`() {
        let id = RequestID.random()
        #expect(TraceID(of: id).description == id.rawValue)
        #expect(TraceID(of: RequestID(rawValue: "my-request")) != TraceID(of: RequestID(rawValue: "my-request")))
    }

    @Test(arguments: ["a", "4bf92f3577b34da6", "run:7.step=3@ci+x~y_z", String(repeating: "a", count: 128)])
    func `Sound names of clients are taken`(name: String) { #expect(RequestID(given: name)?.rawValue == name) }

    @Test(arguments: ["", "a b", "a/b", "a\r\nb", "é", "<script>", "a\"b", String(repeating: "a", count: 129)])
    func `Other names count as none`(name: String) { #expect(RequestID(given: name) == nil) }
}
