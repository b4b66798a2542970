// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithVault
import Testing

@Suite("Keeping a token for Vault")
struct LeaseKeeperTests {
    private static let start = MonotonicInstant(nanoseconds: 0)
    private static let hour = VaultLease(duration: .seconds(3_600), isRenewable: true)

    private static func at(_ seconds: Double) -> MonotonicInstant { start + .seconds(seconds) }

    @Test("A token that was given is looked up first, and can be used at once")
    func token() {
        let keeper = LeaseKeeper(method: .token, at: Self.start)
        #expect(keeper.next(at: Self.start) == .ask(.lookUp))
        #expect(keeper.isUsable(at: Self.start))
    }

    @Test("A role logs in first, and reads nothing before")
    func role() {
        let keeper = LeaseKeeper(method: .appRole, at: Self.start)
        #expect(keeper.next(at: Self.start) == .ask(.logIn))
        #expect(!keeper.isUsable(at: Self.start))
    }

    @Test("It is renewed at two thirds of its lease", arguments: [LeaseKeeper.Method.token, .appRole])
    func renewal(method: LeaseKeeper.Method) {
        var keeper = LeaseKeeper(method: method, at: Self.start)
        keeper.answered(method == .token ? .lookUp : .logIn, Self.hour, at: Self.start)
        #expect(keeper.next(at: Self.at(2_399)) == .wait(until: Self.at(2_400)))
        #expect(keeper.next(at: Self.at(2_400)) == .ask(.renew))
        keeper.answered(.renew, Self.hour, at: Self.at(2_400))
        #expect(keeper.next(at: Self.at(2_400)) == .wait(until: Self.at(4_800)))
    }

    @Test("One without an end is left alone")
    func root() {
        var keeper = LeaseKeeper(method: .token, at: Self.start)
        keeper.answered(.lookUp, VaultLease(duration: nil, isRenewable: false), at: Self.start)
        #expect(keeper.next(at: Self.at(1e9)) == .wait(until: nil))
        #expect(!keeper.isEnding)
    }

    @Test("One that was given and cannot be renewed is said to end")
    func ending() {
        var keeper = LeaseKeeper(method: .token, at: Self.start)
        keeper.answered(.lookUp, VaultLease(duration: .seconds(60), isRenewable: false), at: Self.start)
        #expect(keeper.isEnding)
        #expect(keeper.ends == Self.at(60))
        #expect(keeper.isUsable(at: Self.at(61)))
    }

    @Test("A role whose token cannot be renewed logs in again before it ends")
    func notRenewable() {
        var keeper = LeaseKeeper(method: .appRole, at: Self.start)
        keeper.answered(.logIn, VaultLease(duration: .seconds(90), isRenewable: false), at: Self.start)
        #expect(keeper.next(at: Self.at(60)) == .ask(.logIn))
        #expect(keeper.isUsable(at: Self.at(60)))
    }

    @Test("A role whose token has met its largest lifetime logs in again before it ends")
    func largestLifetime() {
        var keeper = LeaseKeeper(method: .appRole, at: Self.start)
        keeper.answered(.logIn, Self.hour, at: Self.start)
        keeper.answered(.renew, VaultLease(duration: .seconds(1_200), isRenewable: true), at: Self.at(2_400))
        #expect(keeper.next(at: Self.at(3_200)) == .ask(.logIn))
        #expect(keeper.isUsable(at: Self.at(3_599)))
        #expect(!keeper.isUsable(at: Self.at(3_600)))
    }

    @Test("A token that was given and has met its largest lifetime is said to end")
    func largestLifetimeOfToken() {
        var keeper = LeaseKeeper(method: .token, at: Self.start)
        keeper.answered(.lookUp, Self.hour, at: Self.start)
        keeper.answered(.renew, VaultLease(duration: .seconds(1_200), isRenewable: true), at: Self.at(2_400))
        #expect(keeper.isEnding)
    }

    @Test("A role that may not renew logs in again at once")
    func renewalDenied() {
        var generator = SeededGenerator(seed: 1)
        var keeper = LeaseKeeper(method: .appRole, at: Self.start)
        keeper.answered(.logIn, Self.hour, at: Self.start)
        keeper.failed(.renew, .denied, at: Self.at(2_400), using: &generator)
        #expect(keeper.next(at: Self.at(2_400)) == .ask(.logIn))
    }

    @Test("While Vault is away a renewal is tried again within seconds, and a login once the token has ended")
    func away() {
        var generator = SeededGenerator(seed: 2)
        var keeper = LeaseKeeper(method: .appRole, at: Self.start)
        keeper.answered(.logIn, Self.hour, at: Self.start)
        var now = Self.at(2_400)
        while now < Self.at(3_600) {
            #expect(keeper.next(at: now) == .ask(.renew))
            keeper.failed(.renew, .unavailable, at: now, using: &generator)
            guard case .wait(let until?) = keeper.next(at: now) else { break }
            #expect(until - now <= .seconds(4))
            now = until
        }
        keeper.failed(.renew, .unavailable, at: now, using: &generator)
        #expect(keeper.next(at: now) == .ask(.logIn))
        #expect(!keeper.isUsable(at: now))
    }

    @Test("A login that is denied is tried again after longer and longer, a minute at most")
    func loginDenied() {
        var generator = SeededGenerator(seed: 3)
        var keeper = LeaseKeeper(method: .appRole, at: Self.start)
        var now = Self.start
        var pauses: [Duration] = []
        for _ in 0..<100 {
            keeper.failed(.logIn, .denied, at: now, using: &generator)
            guard case .wait(let until?) = keeper.next(at: now) else { break }
            pauses.append(until - now)
            now = until
            #expect(keeper.next(at: now) == .ask(.logIn))
        }
        #expect(pauses.count == 100)
        #expect(pauses.first.map { $0 <= .seconds(5) } == true)
        #expect(pauses.last.map { $0 >= .seconds(30) && $0 <= .seconds(60) } == true)
    }

    @Test("A role whose token is denied a secret logs in again, once a minute at most")
    func denied() {
        var keeper = LeaseKeeper(method: .appRole, at: Self.start)
        keeper.answered(.logIn, Self.hour, at: Self.start)
        keeper.wasDenied(at: Self.at(59))
        #expect(keeper.next(at: Self.at(59)) == .wait(until: Self.at(2_400)))
        keeper.wasDenied(at: Self.at(60))
        #expect(keeper.next(at: Self.at(60)) == .ask(.logIn))
    }

    @Test(
        "Whatever Vault answers, it is not asked without a pause, nor without end",
        arguments: 1...20 as ClosedRange<UInt64>)
    func never(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let method: LeaseKeeper.Method = Bool.random(using: &generator) ? .token : .appRole
        var keeper = LeaseKeeper(method: method, at: Self.start)
        var now = Self.start
        var askedInARow = 0
        for _ in 0..<500 {
            switch keeper.next(at: now) {
            case .ask(let question):
                askedInARow += 1
                #expect(askedInARow <= 2)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: keeper.failed(question, .denied, at: now, using: &generator)
                case 1: keeper.failed(question, .unavailable, at: now, using: &generator)
                default:
                    let seconds = Double.random(in: 0...100, using: &generator)
                    let lease = VaultLease(
                        duration: seconds < 5 ? nil : .seconds(seconds - 5), isRenewable: .random(using: &generator))
                    keeper.answered(question, lease, at: now)
                }
            case .wait(let until?):
                #expect(until > now)
                askedInARow = 0
                now = until
            case .wait(nil): return
            }
        }
    }
}
