// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("Routes for people")
struct RouteReportTests {
    private func candidate(_ node: String, wait: Double, breaker: String = "closed") -> RouteMessage.Candidate {
        RouteMessage.Candidate(
            node: node, model: "smollm2", waitMilliseconds: wait, scoreMilliseconds: wait / 2,
            estimate: .init(
                outstanding: 1, slots: 4, tokensPerSecond: 127.25, queueMilliseconds: 0, serviceMilliseconds: 510,
                roundTripMilliseconds: 0.44, coldLoadMilliseconds: 5_000, penaltyMilliseconds: 120, level: 1.5,
                breaker: breaker, prefixBlocks: 3))
    }

    private func lines(_ explanation: RouteMessage.Explanation, width: Int? = nil) -> [String] {
        RouteExplanationReport(explanation, width: width, style: .plain).lines
    }

    @Test("The decision comes first, then each candidate with the terms of its wait, then who was skipped and why")
    func whole() {
        let explanation = RouteMessage.Explanation(
            asked: nil, promptTokens: 9, node: "desk", model: "smollm2", reason: "shortest-wait",
            candidates: [candidate("desk", wait: 999.6), candidate("attic", wait: 200_000, breaker: "open")],
            skipped: [.init(node: "laptop", reason: "draining"), .init(node: "old", reason: "down(refused)")])
        #expect(
            lines(explanation) == [
                "desk (smollm2): the shortest wait, would answer in about 1000 ms",
                "",
                "NODE   MODEL     SCORE  BUSY   TOK/S  QUEUE  ANSWER    TRIP  LOADING  FAILURES  LEVEL  PREFIX",
                "desk   smollm2  500 ms   1/4  127.25      -  510 ms  0.4 ms      5 s    120 ms    1.5       3",
                "attic  smollm2   100 s   1/4  127.25      -  510 ms  0.4 ms      5 s      open    1.5       3",
                "",
                "SKIPPED  WHY",
                "laptop   it takes no new prompts (draining)",
                "old      it cannot be reached: refused (down)",
            ])
    }

    @Test("When nobody would be asked it says why")
    func nobody() {
        let explanation = RouteMessage.Explanation(
            asked: "gone", promptTokens: 9, refusal: "model 'gone' not found", candidates: [],
            skipped: [.init(node: "desk", reason: "model-absent")])
        #expect(lines(explanation).first == "nobody would be asked: model 'gone' not found")
        #expect(lines(explanation).last == "desk     it does not have the model (model-absent)")
    }

    @Test("Numbers that no honest node sends are shown as something", arguments: [Double.nan, .infinity, -1, 1e300])
    func hostile(number: Double) {
        let explanation = RouteMessage.Explanation(
            asked: nil, promptTokens: 9, node: "d\u{1B}[2J", model: "m", reason: "r",
            candidates: [candidate("desk", wait: number)], skipped: [])
        #expect(lines(explanation).first?.contains("about ?") == true)
        #expect(lines(explanation).allSatisfy { !$0.contains("\u{1B}") })
    }

    @Test("A table fits a terminal of ninety columns as far as it can")
    func narrow() {
        let explanation = RouteMessage.Explanation(
            asked: nil, promptTokens: 9, node: "desk", model: "smollm2", reason: "shortest-wait",
            candidates: [candidate("a-machine-with-a-very-long-name", wait: 12)], skipped: [])
        #expect(lines(explanation, width: 90).dropFirst().allSatisfy { $0.displayWidth <= 100 })
    }

    @Test("Recent requests tell where they went, what they took and how they ended")
    func recent() {
        let requests = [
            RouteMessage.Request(
                id: "1", at: "2026-03-01T12:00:59.000000Z", secondsAgo: 3, asked: nil, node: "desk", model: "smollm2",
                reason: "shortest-wait", skipped: [.init(node: "old", reason: "down(refused)")],
                continuations: [
                    .init(node: "attic", model: "other", afterTokens: 7, reason: "interrupted", gapMilliseconds: 30)
                ], outcome: .completed, firstTokenMilliseconds: 12.3, durationMilliseconds: 1_540,
                usage: .init(TokenUsage(promptTokens: 3, completionTokens: 40)), tokensPerSecond: 26.1),
            RouteMessage.Request(
                id: "2", at: "2026-03-01T12:00:50.000000Z", secondsAgo: 90, asked: "gone", node: nil, model: nil,
                reason: nil, outcome: .failed, failure: "model_not_found", durationMilliseconds: 0.2),
            RouteMessage.Request(
                id: "3", at: "2026-03-01T12:00:40.000000Z", secondsAgo: 100, asked: nil, node: "desk",
                model: "smollm2", reason: "only-candidate", outcome: .abandoned, durationMilliseconds: 80),
        ]
        let lines = RecentRoutesReport(.init(requests: requests), width: nil, style: .plain).lines
        #expect(
            lines == [
                "     WHEN  NODE          MODEL    WHY            FIRST   WHOLE  TOKENS  TOK/S  OUTCOME"
                    + "                                      SKIPPED",
                "  3 s ago  desk > attic  other    shortest wait  12 ms   1.5 s      40   26.1  continued"
                    + "                                    old: it cannot be reached: refused",
                "1 min ago  -             gone     -                  -  0.2 ms       -      -"
                    + "  failed: no machine has a model of that name",
                "1 min ago  desk          smollm2  the only one       -   80 ms       -      -  the client left",
            ])
        #expect(RecentRoutesReport(.init(requests: []), width: nil, style: .plain).lines.count == 1)
    }
}
