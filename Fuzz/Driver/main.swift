// SPDX-License-Identifier: Apache-2.0

import CFuzzer
import FuzzDecoders
import Foundation

// `kith-fuzz DECODER [flags of libFuzzer] [folders with inputs]`; see scripts/fuzz.
let name = CommandLine.arguments.dropFirst().first ?? ""
guard let chosen = FuzzDecoder.all.first(where: { $0.name == name }) else {
    for decoder in FuzzDecoder.all { print(decoder.name) }
    exit(name.isEmpty ? 0 : 64)
}
if CommandLine.arguments.dropFirst(2).first == "--seeds", let folder = CommandLine.arguments.last {
    for (number, seed) in chosen.seeds.enumerated() {
        try Data(seed).write(to: URL(filePath: "\(folder)/seed-\(number)"))
    }
    exit(0)
}

/// libFuzzer's callback can capture nothing.
let run = chosen.run

var arguments = CommandLine.unsafeArgv.advanced(by: 1)
var count = CommandLine.argc - 1
var pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = arguments
exit(
    LLVMFuzzerRunDriver(&count, &pointer) { bytes, size in
        run(Array(UnsafeBufferPointer(start: bytes, count: size)))
        return 0
    })
