"""The words that the head rules know: closed classes, and the few open ones that names repeat."""


def word_set(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


# Words that begin what only qualifies the head.
CUT = word_set(
    """
    of in by at on from with for to during about between against after under over before near through
    without within into along among as per like towards toward above below behind beside inside outside
    off upon across around since until via than versus vs vs. who that which whose is are being not due
    using showing involving including featuring containing depicting wearing playing holding à par
    """
)
IRREGULAR = word_set(
    """
    built set made shot taken held written known drawn born seen found lost sunk cut begun won run sold
    kept worn left sung hung spoken put broken fallen given shown sent told grown thrown cast struck hit
    laid led driven ridden spun woven blown
    """
)
PLURAL = word_set(
    """
    people women men children fish deer sheep aircraft spacecraft media data police personnel
    """
)
ADJECTIVES = word_set(
    """
    old new tall dead famous former big large small little long short high low open young great good
    other early late modern ancient unidentified wild free full round square flat hot cold dry wet rare
    main major minor mixed real blind deaf holy extinct hidden upper lower inner outer same different
    single double several many all some more most first second third partially black white red green
    blue yellow brown pink purple orange grey gray golden silver dark light female male nude various
    northern southern eastern western north south east west central roman german greek dutch swiss czech
    danish polish welsh french irish scots thai military
    """
)
ROMAN = word_set("I II III IV V VI VII VIII IX X XI XII")
LISTING = word_set("and & or")
ALSO_NOUNS = word_set("set cut cast shot run lead")
PREFIXES = word_set("anti co cross ex mid neo non post pre re sub tri")
