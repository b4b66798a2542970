// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import Testing

@Suite("Copies of a node")
struct CopyTests {
    private let sighting = CloneSighting(id: .numbered(1), .numbered(1), .numbered(2))

    /// The lives of node 1 are heard one after the other, five seconds apart.
    private func heard(_ lives: [Int]) -> (Observer, [MembershipAction]) {
        var observer = Observer(others: 2)
        var actions: [MembershipAction] = []
        for life in lives {
            actions += observer.hear(from: 1, life: life, [.ping(SequenceNumber(number: 1))])
            observer.hear(from: 2)
            for _ in 0..<10 {
                actions += observer.wait(.milliseconds(500)).filter { if case .cloned = $0 { true } else { false } }
                observer.hear(from: 2)
            }
        }
        return (observer, actions)
    }

    @Test(
        "Two lives heard in turns are copies; that is told once a minute",
        arguments: [[1, 2, 1, 2, 1, 2], [2, 1, 2, 1]])
    func copies(lives: [Int]) throws {
        let (_, actions) = heard(lives)
        #expect(actions.sightings == [try #require(sighting)])
        let (_, more) = heard(Array(repeating: lives, count: 6).flatMap { $0 })
        #expect((2...5).contains(more.sightings.count))
    }

    @Test("Both copies are told in the response")
    func told() throws {
        let notice = GossipMessage.cloneNotice(try #require(sighting))
        var (observer, _) = heard([1, 2, 1])
        for life in [1, 2] {
            let reply = observer.hear(from: 1, life: life, [.ping(SequenceNumber(number: 1))]).reply
            #expect(reply?.messages.contains(notice) == true)
        }
    }

    @Test(
        "A restart is no copy, nor is one with a clock that was set back", arguments: [[1, 1, 2, 2], [5, 5, 2, 2, 2]])
    func restarts(lives: [Int]) {
        let (observer, actions) = heard(lives)
        #expect(actions.sightings.isEmpty)
        #expect(observer.value.member(.numbered(1))?.instance == lives.last.map { .numbered($0) })
    }

    @Test("A late packet of the former life is not taken for a copy")
    func late() {
        var observer = Observer(others: 1)
        observer.hear(from: 1, life: 1)
        observer.hear(from: 1, life: 2)
        #expect(observer.hear(from: 1, life: 1).isEmpty)
        #expect(observer.value.member(.numbered(1))?.instance == .numbered(2))
    }

    @Test("A node that is told of its copy, or meets it, tells so once")
    func itself() throws {
        var observer = Observer.met(others: 1)
        let own = try #require(CloneSighting(id: .numbered(0), .numbered(50), .numbered(51)))
        #expect(observer.hear(from: 1, [.cloneNotice(own)]).sightings == [own])
        #expect(observer.hear(from: 1, [.cloneNotice(own)]).sightings.isEmpty)
        let other = try #require(CloneSighting(id: .numbered(0), .numbered(50), .numbered(3)))
        let actions = observer.hear(from: 0, life: 3, [.ping(SequenceNumber(number: 1))])
        #expect(actions.sightings == [other])
        #expect(actions.reply?.messages == [.cloneNotice(other)])
    }

    @Test("Notices of other nodes, or of lives that are not its own, are not believed")
    func foreign() throws {
        var observer = Observer.met(others: 1)
        let strangers = try #require(CloneSighting(id: .numbered(0), .numbered(7), .numbered(8)))
        #expect(observer.hear(from: 1, [.cloneNotice(strangers)]).sightings.isEmpty)
        #expect(observer.hear(from: 1, [.cloneNotice(try #require(sighting))]).sightings.isEmpty)
    }
}
