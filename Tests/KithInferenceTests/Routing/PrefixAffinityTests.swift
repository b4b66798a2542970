// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("Prefix affinity")
struct PrefixAffinityTests {
    private static func chat(_ texts: String..., model: ModelID? = nil) -> RouteRequest {
        RouteRequest(
            ChatRequest(
                model: model,
                messages: texts.enumerated().map {
                    ChatMessage($0.offset.isMultiple(of: 2) ? .user : .assistant, $0.element)
                }
            ))
    }

    private static func text(_ letter: Character, blocks: Int) -> String {
        String(repeating: letter, count: blocks * PrefixBlocks.blockSize)
    }

    /// A router that has sent the conversation to `second`.
    private static func router(sent request: RouteRequest, usesAffinity: Bool = true) -> Router {
        var router = Router(usesAffinity: usesAffinity, generator: SeededGenerator(seed: 1))
        router.began("r", at: Candidate(node: "second", model: "m"), for: request, now: .zero)
        router.abandoned("r", at: Candidate(node: "second", model: "m"), now: .zero)
        return router
    }

    private static let conversation = chat(text("a", blocks: 6))
    private static let next = chat(text("a", blocks: 6), "an answer", text("b", blocks: 1))

    private static func first(
        _ router: Router, _ request: RouteRequest = next, best: NodeSnapshot = .sketch("first", slots: 4),
        holder: NodeSnapshot = .sketch("second", slots: 4)
    ) -> RouteDecision.Choice? {
        router.decide(request, among: [best, holder], now: .seconds(1)).choices.first
    }

    @Test("The next turn goes to the node that had the one before")
    func nextTurn() {
        let choice = Self.first(Self.router(sent: Self.conversation))
        #expect(choice?.candidate.node == "second")
        #expect(choice?.reason == .affinity)
        #expect(choice?.estimate.prefixBlocks == 6)
    }

    @Test("A conversation that begins with the same instructions goes there too")
    func sharedInstructions() {
        let choice = Self.first(
            Self.router(sent: Self.chat(Self.text("a", blocks: 4) + Self.text("b", blocks: 2))),
            Self.chat(Self.text("a", blocks: 4) + Self.text("c", blocks: 2)))
        #expect(choice?.candidate.node == "second")
        #expect(choice?.estimate.prefixBlocks == 4)
    }

    @Test("A conversation that its client names is known by that name after its beginning was rewritten")
    func named() {
        func chat(_ text: String, _ name: String?, inBody: Bool = false) -> RouteRequest {
            var request = ChatRequest(messages: [ChatMessage(.user, text)])
            if inBody, let name {
                request.extensions["prompt_cache_key"] = .string(name)
            } else {
                request.conversation = name
            }
            return RouteRequest(request)
        }
        let router = Self.router(sent: chat(Self.text("a", blocks: 4), "session 1"))
        #expect(Self.first(router, chat("A summary.", "session 1"))?.reason == .affinity)
        #expect(Self.first(router, chat("A summary.", "session 1", inBody: true))?.reason == .affinity)
        for name in ["session 2", nil] { #expect(Self.first(router, chat("A summary.", name))?.reason != .affinity) }
    }

    @Test(
        "What its user asked before counts where nothing else is known, and less than the beginning of the conversation"
    )
    func sameUser() {
        func chat(_ text: String, _ user: String) -> RouteRequest {
            RouteRequest(ChatRequest(messages: [ChatMessage(.user, text)], extensions: ["user": .string(user)]))
        }
        var router = Self.router(sent: chat(Self.text("a", blocks: 4), "ann"))
        #expect(Self.first(router, chat("Something else.", "ann"))?.reason == .affinity)
        #expect(Self.first(router, chat("Something else.", "ben"))?.reason != .affinity)
        let first = Candidate(node: "first", model: "m")
        router.began("s", at: first, for: chat("Hello.", "ann"), now: .zero)
        router.abandoned("s", at: first, now: .zero)
        #expect(Self.first(router, chat(Self.text("a", blocks: 5), "ann"))?.candidate.node == "second")
    }

    @Test("Another conversation, a short one and the same words in another role do not")
    func others() {
        let router = Self.router(sent: Self.conversation)
        for request in [
            Self.chat(Self.text("b", blocks: 6)), Self.chat("aaa"), RouteRequest(),
            RouteRequest(ChatRequest(messages: [ChatMessage(.system, Self.text("a", blocks: 6))])),
        ] {
            #expect(Self.first(router, request)?.candidate.node == "first")
        }
    }

    @Test("A node that is up to two requests busier keeps its conversation, and loses it to the best beyond that")
    func escapeByLoad() {
        let router = Self.router(sent: Self.conversation)
        func node(_ outstanding: Int) -> NodeID? {
            Self.first(router, holder: .sketch("second", slots: 8, outstanding: outstanding))?.candidate.node
        }
        #expect(node(2) == "second")
        #expect(node(3) == "first")
    }

    @Test("A node on which it would wait half as long again loses it")
    func escapeByWait() {
        let router = Self.router(sent: Self.conversation)
        func node(level: Double) -> NodeID? {
            Self.first(router, holder: .sketch("second", slots: 4, level: level))?.candidate.node
        }
        #expect(node(level: 0.8) == "second")
        #expect(node(level: 0.4) == "first")
    }

    @Test("A node that is gone, and a model that was not asked for, hold nobody")
    func gone() {
        let router = Self.router(sent: Self.conversation)
        #expect(Self.first(router, holder: .sketch("second", reachability: .down("no")))?.candidate.node == "first")
        #expect(Self.first(router, holder: .sketch("second", models: [.sketch("n")]))?.candidate.node == "first")
    }

    @Test("It can be switched off")
    func off() {
        let choice = Self.first(Self.router(sent: Self.conversation, usesAffinity: false))
        #expect(choice?.candidate.node == "first")
    }

    @Test("A pinned request keeps its reason")
    func pinned() {
        var request = Self.next
        request.pin = "second"
        #expect(Self.first(Self.router(sent: Self.conversation), request)?.reason == .pinned)
    }

    @Test("Equal beginnings have equal blocks wherever the rest differs", arguments: 1...10 as ClosedRange<UInt64>)
    func blocks(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let letters = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                String(repeating: "é", count: Int.random(in: 0...900, using: &generator))
            }
            let messages = letters.map { ChatMessage(.user, $0) }
            let shorter = PrefixBlocks(ChatRequest(messages: messages)).hashes
            let longer = PrefixBlocks(ChatRequest(messages: messages + [ChatMessage(.user, "more")])).hashes
            #expect(longer.starts(with: shorter))
            #expect(longer.count <= PrefixBlocks.limit)
            #expect(Set(longer).count == longer.count)
        }
    }

    @Test("The table stays within its bound and forgets the oldest first")
    func bounded() {
        var table = PrefixTable()
        let kept = PrefixBlocks(ChatRequest(messages: [ChatMessage(.user, Self.text("k", blocks: 3))]))
        let dropped = PrefixBlocks(ChatRequest(messages: [ChatMessage(.user, Self.text("d", blocks: 3))]))
        table.note(dropped, sentTo: Candidate(node: "a", model: "m"))
        for number in 0..<6_000 {
            let text = "\(number) " + Self.text("x", blocks: 1)
            table.note(
                PrefixBlocks(ChatRequest(messages: [ChatMessage(.user, text)])),
                sentTo: Candidate(node: "b", model: "m"))
            if number.isMultiple(of: 1_000) { table.note(kept, sentTo: Candidate(node: "a", model: "m")) }
            #expect(table.count <= PrefixTable.capacity)
        }
        #expect(table.longest(of: kept)?.blocks == 3)
        #expect(table.longest(of: dropped) == nil)
    }
}

extension RequestID: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self.init(rawValue: value) }
}
