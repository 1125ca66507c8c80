"""The demo's fourteen stories in Catalan."""

from __future__ import annotations

from upss.demo.cast import Plot, Story

STORIES = (
    Story(
        topic="bills",
        language="ca",
        size="small",
        title="Com sé si ja s'ha acabat la permanència del meu contracte d'internet?",
        body="""Fa temps que tinc internet i telèfon amb la mateixa companyia i ara en voldria una de més barata. Quan ho vaig contractar em van parlar d'una permanència, però no recordo de quant de temps. Si marxo abans d'hora em fa por que em cobrin. On ho puc mirar i què he de preguntar perquè m'ho diguin clar?""",
        answer="""Ho podeu saber sense comprometre-us a res. Mireu-ho per aquest ordre.

1. Al contracte o al correu de benvinguda, busqueu la paraula «permanència». Hi ha de dir la data d'inici i els mesos.
2. A la factura: moltes hi posen «fi de compromís» en lletra petita, al final.
3. Si no ho trobeu, truqueu i digueu: «Vull saber la data en què acaba la meva permanència i quant pagaria si marxés avui. Envieu-m'ho per escrit, si us plau.»

Compte amb una cosa: si en aquest temps heu canviat de tarifa o us han donat un aparell nou, pot ser que la permanència hagi tornat a començar. Pregunteu-ho també.

I no accepteu cap oferta en aquella mateixa trucada. Primer la data, després ja decidireu.""",
        asker="nube.prat",
        answerer="teix.boixeda",
        plot=Plot.ACCEPTED,
        day=7,
        hour=19,
    ),
    Story(
        topic="bills",
        language="ca",
        size="medium",
        title="Com em dono de baixa d'un gimnàs i en guardo la prova?",
        body="""Em vaig apuntar a un gimnàs al gener i ja no hi vaig. He anat dues vegades a dir que ho deixo i cada mes em continuen cobrant el rebut. A recepció em diuen que ja ho miraran. No m'agrada discutir. Com ho he de fer perquè quedi per escrit i no em cobrin més?""",
        answer="""No cal discutir gens. Un paper ben fet parla per vosaltres.

1. Busqueu el contracte i mireu amb quants dies s'ha d'avisar. Sovint són quinze o trenta.
2. Escriviu una nota curta: «Jo, ___, amb document ___ i número de soci ___, comunico que em dono de baixa a partir del dia ___. Demano que no em passeu cap més rebut i que em confirmeu la baixa per escrit.» Data i signatura.
3. Feu-ne dues còpies. Porteu-les a recepció i demaneu que us en segellin o signin una amb la data d'avui. Aquesta és la vostra prova.
4. Si no volen signar, envieu-la per correu certificat amb avís de recepció, o per burofax si ha de quedar constància del text.
5. Si tenen adreça electrònica, envieu-la també per aquí. Ja seran dues proves.

Si després de la data encara us passen un rebut, aneu al banc amb la còpia segellada i demaneu que el retornin. Feu-ho aviat, perquè hi ha un termini de poques setmanes. No deixeu de pagar abans d'haver avisat: llavors tindrien raó ells.

Guardeu la còpia un parell d'anys, juntament amb l'últim rebut. I si no us contesten, l'oficina de consum del vostre municipi us ajuda gratuïtament.""",
        asker="fulla.tarongina",
        answerer="teix.boixeda",
        plot=Plot.PAID_OUT,
        day=31,
        hour=20,
    ),
    Story(
        topic="bills",
        language="ca",
        size="large",
        title="Em podeu ajudar a entendre la factura del gas línia per línia?",
        body="""Cada dos mesos m'arriba una factura del gas de quatre pàgines i només entenc el total. Hi ha un terme fix, un terme variable, un lloguer, dos impostos i uns quilowatts hora que no sé d'on surten, perquè el meu comptador va amb metres cúbics. Em podríeu explicar cada línia amb paraules planes i dir-me on puc estalviar?""",
        answer="""I tant. Agafeu la factura i un retolador, i anem de dalt a baix.

1. Terme fix: el que pagueu per tenir la canonada a punt, encara que no enceneu res. Depèn de la tarifa d'accés, que va per trams de consum anual.
2. Terme variable: el gas que heu fet servir, en quilowatts hora.
3. D'on surten: el comptador compta metres cúbics. La companyia els multiplica per un factor, que és l'energia de cada metre cúbic de gas, sovint una mica més d'onze. Ha de sortir escrit a la factura.
4. Lloguer: el comptador no és vostre, i se'n paga una petita quantitat.
5. Impostos: un va segons el gas gastat i l'altre, l'IVA, damunt de gairebé tot.

On es pot estalviar:
1. Mireu que la lectura sigui real i no estimada.
2. Compareu el consum d'un any sencer amb el tram de la vostra tarifa.
3. Busqueu serveis afegits, com ara un manteniment que no recordeu haver demanat.
4. Baixeu un grau la calefacció: es nota més que cap altra cosa.""",
        asker="marinada.pineda",
        answerer="teix.boixeda",
        plot=Plot.QUEUED,
        day=1,
        hour=11,
    ),
    Story(
        topic="paperwork",
        language="ca",
        size="small",
        title="Què és un certificat de convivència i on es demana?",
        body="""Per a un ajut del menjador escolar del meu net em demanen un «certificat de convivència». Jo visc amb la meva filla i ell, tots tres empadronats al mateix pis. No sé si és el mateix que el padró ni si hi hem d'anar tots. On es demana i quant triga?""",
        answer="""És un parent del padró, però no ben bé el mateix. El padró diu on viviu; el certificat o volant de convivència diu qui viu empadronat al mateix domicili.

1. Es demana a l'ajuntament on esteu empadronats, a l'oficina d'atenció ciutadana.
2. Hi ha d'anar una sola persona adulta del pis, amb el document d'identitat. Us poden demanar que signin també els altres adults, així que val més preguntar-ho abans.
3. Digueu per a què és. Per a un ajut sovint n'hi ha prou amb el volant, que de vegades donen al moment; el certificat pot trigar uns dies.
4. Mireu la data: acostumen a voler-lo de fa menys de tres mesos.

Pregunteu també a l'escola si ho poden consultar ells amb la vostra autorització. Moltes vegades us estalvieu el viatge.""",
        asker="nube.prat",
        answerer="teix.boixeda",
        plot=Plot.ANSWERED,
        day=2,
        hour=12,
    ),
    Story(
        topic="paperwork",
        language="ca",
        size="medium",
        title="Com faig una autorització perquè la meva neboda em reculli un document?",
        body="""Tinc un document a punt per recollir en una oficina de la capital i no hi puc anar, perquè el tren em queda lluny i camino amb crosses. La meva neboda hi passa cada dia. Em diuen que cal una autorització. N'hi ha prou amb una carta meva? Què hi he de posar perquè no la facin tornar?""",
        answer="""Gairebé sempre n'hi ha prou amb una carta vostra, si hi és tot. Us la deixo mig feta i només haureu d'omplir els buits.

«Jo, ___, amb document d'identitat ___ i domicili a ___, AUTORITZO ___, amb document d'identitat ___, a recollir en nom meu ___ (nom del document i número d'expedient) a l'oficina ___. Aquesta autorització val només per a aquest tràmit. Lloc, data i signatura.»

La vostra neboda hi ha de portar:

1. L'original de la carta, signada amb bolígraf.
2. Una fotocòpia del vostre document, per les dues cares.
3. El seu document, l'original.

Abans d'anar-hi, truqueu i pregunteu si""",
        asker="grevol.aigualada",
        answerer="teix.boixeda",
        plot=Plot.CLAIMED,
        day=1,
        hour=18,
    ),
    Story(
        topic="paperwork",
        language="ca",
        size="large",
        title="Com preparem els papers per demanar un hort municipal entre tres veïns?",
        body="""L'ajuntament traurà a concurs unes parcel·les d'hort i tres veïns jubilats en volem demanar una de compartida. A les bases hi ha una sol·licitud, una memòria i una declaració responsable, i ens hem espantat. No hem fet mai res així. Què és cada paper, qui l'ha de signar i com ho fem per no deixar-nos res?""",
        answer="""No us espanteu: són tres papers amb nom seriós i contingut senzill. Amb dues tardes en teniu prou.

Primera tarda: llegir i repartir.
1. Llegiu les bases amb un retolador i marqueu només tres coses: la data límit, qui pot demanar-ho i què cal adjuntar.
2. Mireu si accepten grups. Si diu «a títol individual», un de vosaltres haurà de ser el titular i els altres, col·laboradors.
3. Trieu un representant. Serà qui rebi les cartes.

Segona tarda: escriure.
1. La sol·licitud és un formulari: noms, adreces, documents i telèfon del representant.
2. La memòria és explicar què hi fareu. Una pàgina: qui sou, quants dies hi anireu, què plantareu cada estació, com regareu sense malgastar i què fareu amb el que sobri. Si en doneu una part al banc d'aliments, digueu-ho.
3. La declaració responsable és una promesa signada: que és veritat el que dieu i que complireu les normes. Normalment la signa cada persona.

Abans d'entregar-ho, feu aquesta llista: tres fotocòpies de document, tres volants de padró si els demanen, tot signat, i una còpia sencera per a vosaltres. Entregueu-ho al registre i guardeu el paper amb el segell i l'hora.

Un consell: no espereu l'últim dia. Si hi falta res, acostumen a donar uns dies per esmenar-ho, però és millor no necessitar-los. I escriviu la memòria com parleu; qui la llegeix agraeix que s'entengui.""",
        asker="marinada.pineda",
        answerer="teix.boixeda",
        plot=Plot.PAID_OUT,
        day=22,
        hour=10,
    ),
    Story(
        topic="home",
        language="ca",
        size="small",
        title="La persiana s'ha encallat a mig camí. Què miro primer?",
        body="""La persiana del menjador s'ha quedat a mig camí i no puja ni baixa. És de lamel·les de plàstic, amb cinta, i deu tenir uns vint anys. No vull estirar més per por de trencar la cinta. Es pot mirar alguna cosa abans d'avisar algú? Tinc una escala petita i un tornavís.""",
        answer="""Heu fet ben fet de no estirar. Mireu-ho així, sense forçar res.

1. Des de dins, mireu si la persiana està recta. Si un costat és més avall, una lamel·la s'ha sortit de la guia: acompanyeu-la amb la mà mentre algú mou la cinta a poc a poc.
2. Netegeu les guies amb un drap sec. Hi sol haver fulles i pols.
3. Si està recta, obriu la tapa del calaix amb el tornavís, amb algú que us aguanti l'escala. Mireu si la cinta s'ha sortit de la politja o si una lamel·la s'ha doblegat dins.
4. Si sentiu que el corró gira i la persiana no es mou, s'han trencat els tirants.

El plegador de la cinta, el de la paret, no l'obriu: té una molla que salta. Això, o els tirants, val més deixar-ho a qui hi té la mà trencada.""",
        asker="fulla.tarongina",
        answerer="salvia.roureda",
        plot=Plot.QUEUED,
        day=0,
        hour=7,
    ),
    Story(
        topic="home",
        language="ca",
        size="medium",
        title="Com repinto una cadira de fusta que ja té tres capes de pintura?",
        body="""He heretat quatre cadires de boga amb moltes capes de pintura. L'última, verda, salta a trossos. En voldria pintar una de blau per veure com queda. No sé si cal treure tota la pintura vella o si puc pintar a sobre, i tinc un balcó per treballar-hi. Quines eines i quins passos em recomaneu?""",
        answer="""Quina sort, quatre cadires de boga! No cal arribar a la fusta nua; n'hi ha prou que el que quedi estigui ben agafat.

Abans de res: si les capes de sota poden ser de fa més de quaranta o cinquanta anys, podrien tenir plom. En aquest cas no feu pols. Res de fregar en sec; demaneu a la botiga de pintures un decapant suau i feu-lo servir a fora, amb guants, o porteu-les a decapar.

Si són pintures més noves:

1. Tapeu la boga amb plàstic i cinta de pintor.
2. Traieu el que salta amb una espàtula, sense clavar-la.
3. Fregueu amb paper de vidre mitjà, i després fi, fins que les vores no es notin amb el dit. Feu-ho al balcó i amb mascareta.
4. Passeu-hi un drap humit i deixeu-ho assecar.
5. Una capa fina d'imprimació per a fusta. Un dia d'espera.
6. Dues capes fines de pintura a l'aigua, amb un pinzell pla de tres dits. Sis o vuit hores entre l'una i l'altra, o el que digui el pot.

Comenceu per les potes, amb la cadira cap per avall, i després el respatller. Dues capes fines sempre queden millor que una de gruixuda. I espereu una setmana abans de seure-hi amb pantalons bons.""",
        asker="grevol.aigualada",
        answerer="salvia.roureda",
        plot=Plot.ACCEPTED,
        day=11,
        hour=11,
    ),
    Story(
        topic="garden",
        language="ca",
        size="medium",
        title="Com començo un hort en quatre torretes al balcó?",
        body="""Tinc un balcó que mira a migdia i quatre torretes grans buides. Voldria fer-hi verdures per a mi, però no he plantat mai res. No puc carregar sacs pesats fins al tercer pis i marxo una setmana al juliol. Què plantaríeu a cada torreta i com ho faríeu perquè no se'm mori tot el primer any?""",
        answer="""Amb migdia i quatre torretes grans ja teniu un bon hort. Jo el primer any posaria coses que perdonen.

1. Torreta u: enciams de tallar. Agafeu fulles de fora i tornen a créixer. A l'estiu, busqueu-los una mica d'ombra.
2. Torreta dos: una tomaquera de tomàquet petit, amb una canya. Una de sola!
3. Torreta tres: mongeta tendra de mata baixa. Es sembra directament i fa goig de seguida.
4. Torreta quatre: julivert, cebollí i alfàbrega, tots junts.

Per no carregar, compreu la terra en sacs de deu litres, un cada setmana. Poseu al fons un drap vell perquè la terra no s'escapi, i mireu que el forat de sota estigui lliure.

Regueu al matí, a poc a poc, quan la terra estigui seca a un dit de fondària. Cada quinze dies, una mica d'adob per a hort, el que digui l'envàs.

Per a la setmana de juliol: poseu palla damunt de la terra, ajunteu les torretes a l'ombra i deixeu la clau a un veí. Pagueu-li amb tomàquets, que és la moneda del país.

I apunteu en un paper què heu plantat i quin dia. L'any que ve en sabreu el doble.""",
        asker="nube.prat",
        answerer="salvia.roureda",
        plot=Plot.PAID_OUT,
        day=19,
        hour=19,
    ),
    Story(
        topic="garden",
        language="ca",
        size="small",
        title="Les fulles de l'alfàbrega tenen forats. Qui se la menja?",
        body="""Tinc una alfàbrega a l'ampit de la finestra i cada matí hi trobo més forats, grossos i rodons. De dia no hi veig cap bitxo. No hi vull tirar verins perquè me la menjo a les amanides. Com puc saber qui és i què hi puc fer?""",
        answer="""Si els forats apareixen de nit i són grossos, gairebé segur que és un llimac, un cargol o una eruga verda.

1. Sortiu-hi amb una llanterna un parell d'hores després de fer-se fosc. Mireu sota les fulles i sota el test.
2. Si hi ha un rastre que brilla, és llimac o cargol. Agafeu-lo amb un paper i porteu-lo lluny.
3. Si hi ha boletes negres damunt de les fulles, és eruga. Busqueu-la a la tija: es disfressa molt bé.
4. Talleu les fulles més foradades just per sobre d'un parell de brots. Així es farà més espessa.

Regueu al matí i no al vespre, que la humitat els crida. I el que mengeu, renteu-ho bé. L'alfàbrega se'n refarà en deu dies.""",
        asker="fulla.tarongina",
        answerer="salvia.roureda",
        plot=Plot.ANSWERED,
        day=1,
        hour=20,
    ),
    Story(
        topic="garden",
        language="ca",
        size="medium",
        title="Quan s'empelta un ametller i quines eines necessito?",
        body="""Al tros del meu pare hi ha un ametller bord que fa ametlles amargues. M'agradaria empeltar-lo amb una branca d'un veí que les fa dolces. Ho havia vist fer de petit, però no recordo ni l'època ni la manera. Què necessito i quin empelt és el més fàcil per a algú que no n'ha fet mai cap?""",
        answer="""Per començar, el més agraït és l'empelt d'escudet, que fa servir un sol ull.

1. Època: a final d'estiu, quan la pell de l'arbre se separa bé de la fusta.
2. Eines: un ganivet molt net i esmolat, cinta d'empeltar i un drap amb alcohol.
3. Agafeu del veí un brot de l'any, amb ulls ben formats. Traieu-ne les fulles i emboliqueu-lo amb un drap humit.
4. Feu un tall en T a una branca jove, aixequeu la pell i feu-hi lliscar l'ull.
5. Lligueu-ho deixant l'ull a fora.

Talleu sempre en direcció contrària als dits, i feu-ne quatre o cinc: algun agafarà. No tasteu gaires ametlles amargues; crues no són bones per a ningú.""",
        asker="grevol.aigualada",
        answerer="salvia.roureda",
        plot=Plot.DRAFT,
        day=5,
        hour=16,
    ),
    Story(
        topic="daily",
        language="ca",
        size="medium",
        title="Com faig que la coca de Sant Joan em quedi tova?",
        body="""Cada any faig coca per Sant Joan i cada any em surt dura com un totxo l'endemà. Segueixo la recepta de la mare, però ella ho feia tot a ull i jo només tinc una llista: farina, ous, sucre, llevat, mantega, llet. El forn és de casa, petit. Què deu ser, la farina, el temps o el forn?""",
        answer="""Gairebé sempre són dues coses alhora: massa farina i massa forn. Us passo unes mides per a una coca mitjana, que podeu comparar amb les de la mare.

500 grams de farina de força, 2 ous, 100 de sucre, 80 de mantega tova, 160 de llet tèbia, 25 de llevat fresc, un pessic de sal, ratlladura de llimona.

1. Desfeu el llevat en la llet tèbia, no calenta.
2. Ajunteu-ho tot menys la mantega, i amasseu deu minuts. La massa ha de quedar una mica enganxosa. No hi afegiu farina! Unteu-vos les mans d'oli.
3. Ara la mantega, de mica en mica, i deu minuts més.
4. Tapada, fins que dobli el volum: dues hores, o el que calgui.
5. Estireu-la a un dit de gruix i deixeu-la reposar una hora més a la safata.
6. Pinteu-la amb ou, poseu-hi la fruita, els pinyons i el sucre mullat.
7. Forn ben calent, a 190 graus, només de 15 a 18 minuts. Traieu-la rossa, no torrada.

El secret de l'endemà: quan encara sigui tèbia, emboliqueu-la amb un drap net i poseu-la dins d'una bossa. I si en sobra, congeleu-la a talls el mateix vespre. A casa no en sobra mai.""",
        asker="nube.prat",
        answerer="salvia.roureda",
        plot=Plot.ACCEPTED,
        day=3,
        hour=13,
    ),
    Story(
        topic="daily",
        language="ca",
        size="small",
        title="Com es plega un llençol amb goma perquè quedi pla?",
        body="""Porto tota la vida fent una bola amb el llençol de sota, el de la goma, i amagant-la al fons de l'armari. La meva neta diu que hi ha una manera de plegar-lo que queda com un llibre. Ho he mirat en vídeos, però van massa de pressa. M'ho podeu explicar a poc a poc?""",
        answer="""Quatre cantonades, una dins de l'altra: aquest és tot el secret. Feu-ho dret i amb el llit al davant.

1. Poseu una mà dins de cada cantonada d'un costat curt, amb el llençol del revés.
2. Ajunteu les mans i gireu una cantonada damunt de l'altra, com un mitjó. Ara teniu dues cantonades en una mà.
3. Feu el mateix amb les altres dues.
4. Fiqueu el segon parell dins del primer. Ja són totes quatre juntes.
5. Esteneu-lo damunt del llit. Veureu una «L» de goma: doblegueu aquestes vores cap endins i us quedarà un rectangle.
6. Plegueu-lo en tres i després en tres més.

El primer surt tort. El tercer ja sembla de botiga.""",
        asker="marinada.pineda",
        answerer="salvia.roureda",
        plot=Plot.QUEUED,
        day=2,
        hour=21,
    ),
    Story(
        topic="daily",
        language="ca",
        size="large",
        title="Com organitzo un dinar de trenta persones al pati sense acabar rendida?",
        body="""Faig setanta-cinc anys i vull convidar la família i els veïns, trenta en total, a dinar al pati. Hi haurà criatures, gent gran i dues persones que no mengen carn. Tinc una cuina normal i una nevera petita. M'agradaria un pla, amb llista de la compra i hores, que em deixi gaudir de la festa.""",
        answer="""Per molts anys! El pla és que tot es mengi fred o surti d'una sola paella, i que cadascú porti alguna cosa petita.

1. Menú: coca de recapte sense carn, amanida d'arròs, truites de patates fetes pels veïns, pollastre rostit de la botiga i síndria.
2. Compra, per a trenta: quatre quilos de pa, dos d'arròs, sis d'enciam i tomàquet, sis pollastres, dues síndries i quaranta litres de beguda, la meitat aigua.
3. Nevera: demaneu-ne mitja a un veí. Gel en un cossi per a les begudes.

El dia abans: coques i taules. Al matí: amanides a la nevera, sense amanir. A la una: recollir els pollastres. A dos quarts de dues: tothom a taula. Res que porti maionesa o ou no ha d'estar al sol; traieu-ho a l'últim moment i guardeu el que quedi abans de dues hores.

Tres encàrrecs: un nebot, les begudes; una veïna, les criatures; un altre, recollir. Vós, a la cadira del mig.""",
        asker="marinada.pineda",
        answerer="salvia.roureda",
        plot=Plot.EXPIRED,
        day=12,
        hour=22,
    ),
)
