// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@Suite("A text that is cut")
struct CutTests {
    @Test func `holds at most so many bytes, and no half of a scalar`() {
        let text = "aé€😀"
        let whole = [0, 1, 3, 6, 10]
        for limit in 0...10 {
            #expect(text.cut(toBytes: limit).utf8.count == whole.last { $0 <= limit }, "\(limit)")
        }
        #expect("short".cut(toBytes: 100) == "short")
        #expect("x".cut(toBytes: -1).isEmpty)
    }

    @Test func `is short also where one character is long`() {
        let heap = "e" + String(repeating: "\u{301}", count: 10_000)
        #expect(heap.count == 1)
        #expect(heap.cut(toBytes: 64).utf8.count <= 64)
    }
}
