"""The hosted pages' words in English, Spanish and Catalan, and amounts by language."""

# ruff: noqa: RUF001 - Catalan is written with a typographic apostrophe

from __future__ import annotations

from upss.kernel.money import EXPONENTS

LANGUAGES = {"en": "English", "es": "Español", "ca": "Català"}

# name -> (English, Spanish, Catalan)
_TEXTS: dict[str, tuple[str, str, str]] = {
    "banner": (
        "No real money: this page stands in for Stripe on this computer. Never type a real card.",
        "Sin dinero real: esta página sustituye a Stripe en este ordenador. No escriba nunca una tarjeta real.",
        "Sense diners reals: aquesta pàgina substitueix Stripe en aquest ordinador. No hi escriviu mai una targeta real.",
    ),
    "pay_title": ("Pay by card", "Pagar con tarjeta", "Pagar amb targeta"),
    "error_prefix": ("Error: ", "Error: ", "Error: "),
    "you_pay": ("You pay", "Usted paga", "Pagueu"),
    "for": ("For", "Concepto", "Concepte"),
    "back": ("Go back without paying", "Volver sin pagar", "Tornar sense pagar"),
    "email": ("Email address", "Correo electrónico", "Correu electrònic"),
    "number": ("Card number", "Número de tarjeta", "Número de targeta"),
    "number_hint": (
        "Only the test cards listed below",
        "Solo las tarjetas de prueba de más abajo",
        "Només les targetes de prova de més avall",
    ),
    "expiry": ("Expiry date", "Fecha de caducidad", "Data de caducitat"),
    "expiry_hint": (
        "Month and year, for example 08/30",
        "Mes y año, por ejemplo 08/30",
        "Mes i any, per exemple 08/30",
    ),
    "cvc": ("Security code", "Código de seguridad", "Codi de seguretat"),
    "cvc_hint": ("Any 3 digits", "3 cifras cualesquiera", "3 xifres qualssevol"),
    "name": ("Name on the card", "Nombre en la tarjeta", "Nom a la targeta"),
    "pay": ("Pay", "Pagar", "Pagar"),
    "problem": ("There is a problem", "Hay un problema", "Hi ha un problema"),
    "bad_email": (
        "Enter an email address, like name@example.org",
        "Escriba un correo electrónico, como nombre@example.org",
        "Escriviu un correu electrònic, com ara nom@example.org",
    ),
    "bad_number": (
        "Enter the card number: 16 digits",
        "Escriba el número de tarjeta: 16 cifras",
        "Escriviu el número de targeta: 16 xifres",
    ),
    "not_a_test_card": (
        "This is not one of the test cards. It has not been kept. Use one from the list below",
        "No es una de las tarjetas de prueba. No se ha guardado. Use una de la lista de abajo",
        "No és cap de les targetes de prova. No s’ha desat. Useu-ne una de la llista de sota",
    ),
    "bad_expiry": (
        "Enter the expiry date as month and year, like 08/30",
        "Escriba la caducidad como mes y año, por ejemplo 08/30",
        "Escriviu la caducitat com a mes i any, per exemple 08/30",
    ),
    "card_expired": ("The card has expired", "La tarjeta ha caducado", "La targeta ha caducat"),
    "bad_cvc": (
        "Enter the security code: 3 digits",
        "Escriba el código de seguridad: 3 cifras",
        "Escriviu el codi de seguretat: 3 xifres",
    ),
    "bad_name": (
        "Enter the name on the card",
        "Escriba el nombre que figura en la tarjeta",
        "Escriviu el nom que figura a la targeta",
    ),
    "declined": (
        "The bank declined this card. Nothing was charged. Try another card",
        "El banco ha rechazado esta tarjeta. No se ha cobrado nada. Pruebe con otra",
        "El banc ha rebutjat aquesta targeta. No s’ha cobrat res. Proveu-ne una altra",
    ),
    "bank_refused": (
        "The payment was not confirmed with the bank. Nothing was charged. Try again",
        "El pago no se ha confirmado con el banco. No se ha cobrado nada. Inténtelo de nuevo",
        "El pagament no s’ha confirmat amb el banc. No s’ha cobrat res. Torneu-ho a provar",
    ),
    "cards_title": ("Test cards", "Tarjetas de prueba", "Targetes de prova"),
    "cards_note": (
        "With any future date, any security code and any name.",
        "Con cualquier fecha futura, cualquier código y cualquier nombre.",
        "Amb qualsevol data futura, qualsevol codi i qualsevol nom.",
    ),
    "card_4242424242424242": ("pays", "paga", "paga"),
    "card_4000000000000077": (
        "pays, and the money is available at once",
        "paga, y el dinero está disponible al instante",
        "paga, i els diners són disponibles a l’instant",
    ),
    "card_4000002760003184": (
        "asks the bank to confirm (3-D Secure)",
        "pide confirmación al banco (3-D Secure)",
        "demana confirmació al banc (3-D Secure)",
    ),
    "card_4000000000000002": ("is declined", "es rechazada", "és rebutjada"),
    "card_4000000000009995": (
        "is declined for lack of funds",
        "es rechazada por falta de fondos",
        "és rebutjada per falta de fons",
    ),
    "card_4000000000005126": (
        "pays, but a refund to it fails later",
        "paga, pero su reembolso falla más tarde",
        "paga, però el seu reemborsament falla més tard",
    ),
    "bank_title": ("Your bank asks", "Su banco pregunta", "El vostre banc pregunta"),
    "bank_text": (
        "A real bank would now check that it is you. Confirm this payment?",
        "Un banco real comprobaría ahora que es usted. ¿Confirma este pago?",
        "Un banc real comprovaria ara que sou vós. Confirmeu aquest pagament?",
    ),
    "confirm": ("Confirm the payment", "Confirmar el pago", "Confirmar el pagament"),
    "refuse": ("Do not confirm", "No confirmar", "No confirmar"),
    "expired_title": (
        "This payment page has expired",
        "Esta página de pago ha caducado",
        "Aquesta pàgina de pagament ha caducat",
    ),
    "expired_text": (
        "Nothing was charged. Go back and start again.",
        "No se ha cobrado nada. Vuelva atrás y empiece de nuevo.",
        "No s’ha cobrat res. Torneu enrere i comenceu de nou.",
    ),
    "paid_title": (
        "This has been paid already",
        "Esto ya está pagado",
        "Això ja està pagat",
    ),
    "paid_text": (
        "The card was charged once. You can close this page or continue.",
        "La tarjeta se ha cobrado una vez. Puede cerrar esta página o continuar.",
        "La targeta s’ha cobrat una vegada. Podeu tancar aquesta pàgina o continuar.",
    ),
    "continue": ("Continue", "Continuar", "Continuar"),
    "go_back": ("Go back", "Volver", "Tornar"),
    "unknown_title": ("Page not found", "Página no encontrada", "Pàgina no trobada"),
    "unknown_text": (
        "Check the address, or start again from the page that sent you here.",
        "Revise la dirección o empiece de nuevo en la página que le trajo aquí.",
        "Reviseu l’adreça o comenceu de nou a la pàgina que us ha portat aquí.",
    ),
    "receipt_title": ("Receipt", "Recibo", "Rebut"),
    "receipt_paid": (
        "Paid by card ending",
        "Pagado con tarjeta terminada en",
        "Pagat amb targeta acabada en",
    ),
    "receipt_refunded": ("Refunded", "Reembolsado", "Reemborsat"),
    "connect_title": (
        "How you will be paid",
        "Cómo va a cobrar",
        "Com cobrareu",
    ),
    "connect_text": (
        "Here Stripe would ask for your name, a document that shows who you are, and your bank account. The stand-in asks for nothing.",
        "Aquí Stripe pediría su nombre, un documento de identidad y su cuenta bancaria. Este sustituto no pide nada.",
        "Aquí Stripe us demanaria el nom, un document d’identitat i el compte bancari. Aquest substitut no demana res.",
    ),
    "connect_finish": (
        "Finish: I can be paid",
        "Terminar: puedo cobrar",
        "Acabar: puc cobrar",
    ),
    "connect_later": (
        "Leave it unfinished",
        "Dejarlo sin terminar",
        "Deixar-ho sense acabar",
    ),
    "language": ("Language", "Idioma", "Llengua"),
}


def texts(language: str) -> dict[str, str]:
    """Return every text of a language by name."""
    index = list(LANGUAGES).index(language)
    return {name: variants[index] for name, variants in _TEXTS.items()}


def amount_text(minor: int, currency: str, language: str) -> str:
    """Write an amount as readers of the language do: €12.00, or 12,00 €."""
    exponent = EXPONENTS[currency.upper()]
    whole, cents = divmod(abs(minor), 10**exponent)
    number = f"{whole}.{cents:0{exponent}d}" if exponent else str(whole)
    sign = "−" if minor < 0 else ""
    symbol = {"EUR": "€"}.get(currency.upper(), currency.upper())
    if language == "en":
        return f"{sign}{symbol}{number}"
    return f"{sign}{number.replace('.', ',')} {symbol}"
