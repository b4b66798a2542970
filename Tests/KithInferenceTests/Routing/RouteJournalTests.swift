// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Synchronization
import Testing

@Suite("The journal of routes")
struct RouteJournalTests {
    private func record(_ number: Int) -> RouteRecord {
        RouteRecord(
            id: RequestID(rawValue: "\(number)"), at: .epoch, asked: nil, route: RouteReport(), outcome: .completed,
            duration: .milliseconds(number))
    }

    @Test("The newest come first, and no more are kept than fit")
    func order() {
        let journal = RouteJournal()
        #expect(journal.recent().isEmpty)
        for number in 1...RouteJournal.capacity + 10 { journal.note(record(number)) }
        #expect(journal.recent().count == RouteJournal.capacity)
        #expect(journal.recent(3).map(\.id.rawValue) == ["266", "265", "264"])
        #expect(journal.recent(0).isEmpty)
        #expect(journal.recent(-1).isEmpty)
    }

    @Test("All who asked for it are told of each request")
    func told() {
        let journal = RouteJournal()
        let heard = Mutex<[String]>([])
        journal.note(record(1))
        for listener in ["a", "b"] {
            journal.whenNoted { record in heard.withLock { $0.append(listener + record.id.rawValue) } }
        }
        journal.note(record(2))
        #expect(heard.withLock { $0 } == ["a2", "b2"])
    }
}
