// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KithMembership

@Suite("File watch")
struct FileWatchTests {
    private static func look(_ size: Int64) -> WatchedFile.Look {
        .there(
            WatchedFile.Signature(device: 1, inode: 1, size: size, modifiedSeconds: size, modifiedNanoseconds: 0))
    }

    private let one = look(1)
    private let two = look(2)

    private func watching(_ look: WatchedFile.Look) -> FileWatch {
        var watch = FileWatch()
        #expect(watch.next(look) == .read)
        #expect(watch.didRead(after: look, failure: nil) == .read)
        return watch
    }

    @Test("The first look is enough to read, and what has not changed is not read again")
    func first() {
        var watch = watching(one)
        #expect(watch.next(one) == .nothing)
    }

    @Test("A change is read when it has settled")
    func settling() {
        var watch = watching(one)
        #expect(watch.next(two) == .nothing)
        #expect(watch.next(Self.look(3)) == .nothing)
        #expect(watch.next(Self.look(3)) == .read)
    }

    @Test("What changed while it was read is not used")
    func changedMeanwhile() {
        var watch = watching(one)
        _ = watch.next(two)
        #expect(watch.next(two) == .read)
        #expect(watch.didRead(after: Self.look(3), failure: nil) == .nothing)
        #expect(watch.next(Self.look(3)) == .read)
    }

    @Test("A file that is away for one look is being replaced, and for two it is gone")
    func away() {
        var watch = watching(one)
        #expect(watch.next(.absent) == .nothing)
        #expect(watch.next(two) == .nothing)
        #expect(watch.next(two) == .read)
        #expect(watch.didRead(after: two, failure: nil) == .read)
        #expect(watch.next(.absent) == .nothing)
        #expect(watch.next(.absent) == .forget)
        #expect(watch.next(.absent) == .nothing)
    }

    @Test("A file that is not there at the start says nothing, at once")
    func absentAtStart() {
        var watch = FileWatch()
        #expect(watch.next(.absent) == .forget)
    }

    @Test("What cannot be read is told once, and is read again when it can be, changed or not")
    func hidden() {
        var watch = watching(one)
        #expect(watch.next(.hidden("no")) == .complain("no"))
        #expect(watch.next(.hidden("no")) == .nothing)
        #expect(watch.next(one) == .nothing)
        #expect(watch.next(one) == .read)
    }

    @Test("What can be seen and not be read is tried at every look, and told once")
    func unreadable() {
        var watch = watching(one)
        _ = watch.next(two)
        #expect(watch.next(two) == .read)
        #expect(watch.didRead(after: two, failure: "no") == .complain("no"))
        #expect(watch.next(two) == .read)
        #expect(watch.didRead(after: two, failure: "no") == .nothing)
        #expect(watch.next(two) == .read)
        #expect(watch.didRead(after: two, failure: nil) == .read)
    }
}
