// The echo example: `echo serve ADDRESS`, `echo call ADDRESS plain|ids`, `echo golden`.
#include <iostream>
#include <string>
#include <vector>

#include "modes.hpp"

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 2 && words[0] == "serve") {
        return serve(words[1]);
    }
    if (words.size() == 3 && words[0] == "call" && (words[2] == "plain" || words[2] == "ids")) {
        return call(words[1], words[2] == "ids");
    }
    if (words.size() == 1 && words[0] == "golden") {
        return golden();
    }
    std::cerr << "usage: echo serve ADDRESS | call ADDRESS plain|ids | golden\n";
    return 2;
}
