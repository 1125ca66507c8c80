"""The demo's fourteen stories in Spanish."""

from __future__ import annotations

from upss.demo.cast import Plot, Story

STORIES = (
    Story(
        topic="bills",
        language="es",
        size="medium",
        title="¿Qué potencia de luz necesito de verdad en un piso pequeño?",
        body="""Vivo sola en un piso de cincuenta metros. Tengo nevera, lavadora, una placa de dos fuegos y una estufa pequeña que pongo por las tardes. En el recibo pone que tengo contratados 5,75 kW y pago bastante aunque gaste poco. Mi vecino tiene mucho menos y nunca se le va la luz. ¿Cómo sé cuánta potencia me hace falta sin quedarme a oscuras?""",
        answer="""Es de las cosas que más se notan en el recibo, porque la potencia se paga todos los días, se use o no. Vamos a calcularla con calma.

1. Apunte lo que gasta cada aparato; suele estar en una placa por detrás. Cifras corrientes: lavadora 2 kW cuando calienta, placa 2 o 3, estufa 1,5, nevera y luces menos de medio.
2. Piense qué enciende a la vez de verdad. Si pone la lavadora por la mañana y la estufa por la tarde, no se suman.
3. Sume lo de la peor media hora. Por ejemplo, placa y estufa: unos 4 kW.
4. Mire si en su recibo, o en la página de la distribuidora, sale la «potencia máxima demandada» de cada mes. Esa cifra es la mejor prueba, porque es lo que usted ha llegado a pedir.

Si en un año no ha pasado de 3,5, puede bajar hasta ahí y dejar un pequeño margen. Llame a su compañía, pregunte cuánto cobran por el cambio y cuánto costaría volver atrás, y pida que se lo manden por escrito.

Yo bajaría poco y esperaría un invierno. Si salta la luz alguna vez, basta con no juntar la placa y la estufa.""",
        asker="brisa.manzanilla",
        answerer="laurel.trigales",
        plot=Plot.PAID_OUT,
        day=35,
        hour=12,
    ),
    Story(
        topic="bills",
        language="es",
        size="small",
        title="¿Por qué ha subido mi recibo del agua si gasto lo mismo?",
        body="""Siempre pagaba más o menos igual y el último recibo del agua viene casi al doble. Somos dos en casa, no tenemos jardín y no hemos cambiado nada. He mirado los grifos y no gotean. No quiero reclamar sin saber de qué hablo. ¿Qué miro primero?""",
        answer="""Hace bien en mirar antes de llamar. Yo iría por este orden.

1. Compare los días. A veces un recibo trae dos meses y el siguiente, tres.
2. Busque si la lectura es «real» o «estimada». Si es estimada, mire usted el contador y dé la cifra buena.
3. Compare los metros cúbicos con los del mismo recibo del año pasado. Si son iguales, lo que ha subido es la tarifa o una tasa que va en el mismo papel.
4. Si han subido los metros, cierre todos los grifos, apunte el contador y vuelva a mirarlo a la hora. Si se ha movido, hay una fuga. La cisterna es la sospechosa de siempre: eche unas gotas de colorante alimentario en el depósito y, si a los veinte minutos hay color en la taza, pierde.

Con esos datos en la mano, la llamada dura cinco minutos.""",
        asker="olmo.rivera",
        answerer="laurel.trigales",
        plot=Plot.ANSWERED,
        day=4,
        hour=19,
    ),
    Story(
        topic="bills",
        language="es",
        size="large",
        title="¿Cómo hago las cuentas del mes con una pensión fija y recibos que bailan?",
        body="""Cobro una pensión que es igual todos los meses, pero los recibos no: la luz sube en invierno, el seguro llega de golpe en marzo y la comunidad cada tres meses. Hay meses que me sobra y otros que paso apuros. Quiero un sistema sencillo, con papel y lápiz, sin aplicaciones. ¿Por dónde empiezo?""",
        answer="""El secreto es convertir los recibos que bailan en una cantidad fija. Con una libreta basta.

Primero, una tarde de mirar atrás.
1. Saque los recibos o el extracto del último año.
2. Haga una lista de los gastos que no son de todos los meses: seguro, comunidad, impuestos, revisión de la caldera, gafas, regalos.
3. Súmelos todos y divida entre doce. A eso lo llamamos «lo que no se ve».
4. Haga lo mismo con la luz y el gas: total del año entre doce.

Después, la hoja del mes, con cuatro renglones.
1. Lo que entra.
2. Lo fijo: alquiler, teléfono, la media de luz y gas.
3. «Lo que no se ve». Este dinero se aparta el mismo día que cobra, en otra cuenta o en un sobre.
4. Lo que queda, dividido entre cuatro semanas. Eso es para comida y para usted.

Cuando llegue el seguro en marzo, se paga del sobre y el mes no se entera. Si un mes de luz sale barato, la diferencia también va al sobre; en enero le hará falta.

Un ejemplo con números redondos: si lo que no es de cada mes suma 1.200 al año, aparte 100 cada mes. Si no llega a tanto, empiece con 50.

Dos consejos: revise la libreta el mismo día todos los meses, con un café, y a los tres meses corrija las cifras. La primera hoja nunca acierta y no pasa nada. La cuarta, ya verá, se cumple sola.""",
        asker="lucero.tomillar",
        answerer="laurel.trigales",
        plot=Plot.ACCEPTED,
        day=9,
        hour=11,
    ),
    Story(
        topic="paperwork",
        language="es",
        size="medium",
        title="¿Qué papeles llevo para empadronarme en casa de mi hija?",
        body="""Me voy a vivir con mi hija a otro pueblo y tengo que empadronarme allí. El piso es de alquiler y el contrato está a nombre de ella y de su marido. Yo solo tengo mi carné y una carta del banco. No quiero hacer el viaje en balde. ¿Qué tengo que llevar y tiene que venir mi hija conmigo?""",
        answer="""Es un trámite sencillo si se lleva todo de una vez. Cada ayuntamiento tiene su impreso, pero casi siempre piden lo mismo.

1. Su documento de identidad, en vigor. El original y una fotocopia.
2. La hoja de empadronamiento, que le dan allí o se descarga de la página del ayuntamiento.
3. El contrato de alquiler de la casa, con una fotocopia, y a veces el último recibo pagado.
4. Como el contrato no está a su nombre, una autorización firmada por su hija o por su yerno, con fotocopia del documento de identidad de quien firma. Muchos ayuntamientos tienen un modelo propio.

Si su hija puede acompañarla con su documento, mejor: firma delante del funcionario y se acabaron las dudas. Si no puede, con la autorización suele bastar.

Del pueblo de antes no hay que darse de baja. Un ayuntamiento avisa al otro.

Antes de ir, llame y haga tres preguntas: si hace falta cita, si tienen modelo de autorización y si quieren el último recibo. Y al terminar pida un volante de empadronamiento. Es gratis o cuesta muy poco, y se lo pedirán en el centro de salud y en el banco.""",
        asker="rocio.espliego",
        answerer="laurel.trigales",
        plot=Plot.PAID_OUT,
        day=29,
        hour=10,
    ),
    Story(
        topic="paperwork",
        language="es",
        size="small",
        title="¿Cómo pido cita previa por teléfono si no me aclaro con internet?",
        body="""Para todo me dicen que pida cita por internet. Yo tengo un teléfono de los de botones y no quiero molestar a mi nieto cada vez. Necesito cita en una oficina pública para entregar un papel. ¿Se puede hacer todavía por teléfono o yendo en persona, y qué debo tener preparado?""",
        answer="""Se puede, y no tiene que dar explicaciones. La mayoría de oficinas dan cita también por teléfono o en el mostrador de información.

1. Tenga a mano su documento de identidad, un lápiz y el calendario.
2. Llame a primera hora, que hay menos cola. Si contesta una máquina, diga «cita» o espere sin pulsar nada; muchas veces acaba pasando con una persona.
3. Diga qué papel entrega y a qué oficina quiere ir.
4. Apunte día, hora, dirección y el número de la cita. Repítalo en voz alta para que se lo confirmen.

Si no hay citas cerca, pregunte si puede dejar el papel en el registro de su ayuntamiento. A menudo lo mandan ellos.""",
        asker="olmo.rivera",
        answerer="laurel.trigales",
        plot=Plot.QUEUED,
        day=1,
        hour=9,
    ),
    Story(
        topic="paperwork",
        language="es",
        size="large",
        title="¿Cómo escribo una instancia al ayuntamiento para pedir un banco en mi calle?",
        body="""En la cuesta de mi calle no hay dónde sentarse y somos muchos mayores los que subimos con la compra. Entre varios vecinos queremos pedir un banco a mitad de camino. Nos han dicho que hay que hacer una «instancia», pero nadie sabe cómo se escribe ni dónde se entrega. ¿Nos ayuda a redactarla y a reunir las firmas?""",
        answer="""Qué buena idea, y qué fácil de entender para quien la lea. Una instancia no es más que una carta con un orden fijo: quién la escribe, qué pasa y qué se pide. Les propongo este texto.

«Don/Doña ___, con documento ___ y domicilio en ___, en nombre propio y de los vecinos que firman en la hoja adjunta, EXPONE: que la calle ___ tiene una cuesta de unos ___ metros sin ningún lugar de descanso; que por ella pasan a diario personas mayores con la compra. Por ello SOLICITA:»

1. Que pidan una cosa sola, bien situada: «un banco con respaldo y reposabrazos frente al número ___».
2. Que adjunten dos fotos y un plano dibujado a mano.

Para las firmas,""",
        asker="lucero.tomillar",
        answerer="laurel.trigales",
        plot=Plot.CLAIMED,
        day=2,
        hour=20,
    ),
    Story(
        topic="home",
        language="es",
        size="small",
        title="El grifo de la cocina gotea por las noches. ¿Lo puedo arreglar yo?",
        body="""El grifo de la cocina gotea, sobre todo de noche, y no me deja dormir. Es de los antiguos, con dos mandos, uno para el agua caliente y otro para la fría. Tengo una llave inglesa y algo de maña. ¿Es cosa de cambiar una goma? ¿Y cómo sé cuál de los dos mandos es el que pierde?""",
        answer="""Casi seguro que es la goma, que se llama «zapata» o «soleta» y cuesta muy poco. Se hace en media hora.

1. Para saber cuál es, cierre la llave de paso del agua caliente bajo el fregadero. Si deja de gotear, es el mando caliente; si sigue, el otro.
2. Cierre las dos llaves, abra el grifo para que salga el agua que queda y ponga un trapo en el desagüe, que no se cuele ningún tornillo.
3. Quite la tapita del mando, el tornillo y el mando. Afloje la pieza de dentro con la llave inglesa, con un trapo para no rayarla.
4. Lleve esa pieza a la ferretería y pida la goma igual.
5. Móntelo en el orden inverso, sin apretar a lo bruto, y abra el agua poco a poco.

Si aun así gotea, el asiento está gastado y conviene cambiar el grifo. Pero nueve de cada diez veces era la goma.""",
        asker="olmo.rivera",
        answerer="mirto.candil",
        plot=Plot.PAID_OUT,
        day=24,
        hour=21,
    ),
    Story(
        topic="home",
        language="es",
        size="medium",
        title="¿Cómo quito la cal de la ducha sin estropear la mampara?",
        body="""En mi pueblo el agua es muy dura y la mampara de la ducha está blanca de cal. He probado con un estropajo y ahora tengo miedo de haberla rayado. El marco es de aluminio y el suelo, de piedra clara. No me gustan los productos fuertes porque el baño no tiene ventana. ¿Qué me aconseja?""",
        answer="""Con vinagre y paciencia se va. Lo importante es el orden y dónde no ponerlo.

1. Deje la puerta abierta y el extractor en marcha. Póngase guantes.
2. Mezcle en un pulverizador mitad de vinagre blanco y mitad de agua templada.
3. Tape con toallas viejas el suelo de piedra: el vinagre se come la piedra clara. Tampoco lo deje mucho rato sobre el aluminio.
4. Pulverice el cristal de abajo arriba y espere diez minutos. Si la cal es gorda, pegue papel de cocina mojado en la mezcla y déjelo media hora.
5. Frote con una bayeta suave o una esponja blanda, nunca con estropajo. Aclare con mucha agua, marco incluido, y seque.

Y una cosa muy en serio: no mezcle nunca vinagre con lejía ni con otros limpiadores, y menos en un baño sin ventana, porque suelta un gas peligroso. Un solo producto cada vez.

Para la alcachofa de la ducha, métala en una bolsa con la misma mezcla, atada con una goma, durante una hora.

Después, el mejor remedio: una rasqueta de cristales colgada en la ducha. Veinte segundos al terminar y la cal no vuelve. Las rayas finas, si las hay, no se quitan, pero con el cristal limpio apenas se ven.""",
        asker="rocio.espliego",
        answerer="mirto.candil",
        plot=Plot.ACCEPTED,
        day=6,
        hour=12,
    ),
    Story(
        topic="home",
        language="es",
        size="medium",
        title="¿Merece la pena cambiar las juntas de unas ventanas viejas?",
        body="""Mis ventanas son de aluminio, de hace treinta años, y por los lados entra aire. Cambiarlas todas es muy caro para mí. En la ferretería venden tiras de goma de varias formas y no sé cuál coger ni si sirve de algo. ¿Vale la pena ponerlas este otoño, y cómo mido lo que necesito?""",
        answer="""Sí, merece la pena: por poco dinero se nota mucho, sobre todo los días de viento.

1. Busque por dónde entra el aire. Pase la mano mojada por el borde en un día de viento.
2. Mida el hueco: apriete una bolita de plastilina envuelta en plástico al cerrar la ventana. Su grosor es el de la goma.
3. Para hojas que se abren, pida burlete de goma con forma de «D» o «P». Para correderas, burlete de felpa.
4. Limpie con alcohol, deje secar y pegue sin estirar.

No tape los agujeritos de desagüe del marco de abajo, ni las rejillas de ventilación si tiene gas en casa.""",
        asker="brisa.manzanilla",
        answerer="mirto.candil",
        plot=Plot.WITHDRAWN,
        day=7,
        hour=18,
    ),
    Story(
        topic="garden",
        language="es",
        size="small",
        title="¿Cada cuánto se riega un olivo en maceta?",
        body="""Me han regalado un olivo pequeño en una maceta de barro y lo tengo en la terraza, al sol de la mañana. Mi vecina dice que no se riega casi nunca, pero se le caen hojas amarillas. Yo le echaba un vasito cada día. ¿Me estoy pasando o me quedo corta?""",
        answer="""Un poco de cada cosa: un vasito diario moja arriba y deja secas las raíces de abajo. Al olivo le gusta beber mucho y de tarde en tarde.

1. Meta el dedo hasta el segundo nudillo. Solo se riega si está seco.
2. Riegue despacio hasta que salga agua por el agujero. Vacíe el plato a los diez minutos.
3. En verano será cada tres o cuatro días; en primavera, una vez por semana; en invierno, cada dos o tres semanas si no llueve.

Unas pocas hojas amarillas en primavera son normales, porque las renueva. Si siguen cayendo, mire que el agujero de la maceta no esté tapado. Y póngalo donde le dé más sol, que le gusta todo el que haya.""",
        asker="brisa.manzanilla",
        answerer="salvia.roureda",
        plot=Plot.ACCEPTED,
        day=4,
        hour=10,
    ),
    Story(
        topic="garden",
        language="es",
        size="medium",
        title="Mi limonero da flores pero pierde los limones pequeños. ¿Qué le falta?",
        body="""Tengo un limonero en un macetón desde hace cuatro años. Cada primavera se llena de flor y huele de maravilla, pero cuando los limones son como garbanzos se caen casi todos. Lo riego a ojo y le echo abono cuando me acuerdo. Está en un patio con sol hasta mediodía. ¿Qué puedo hacer para que cuajen?""",
        answer="""Primero, una buena noticia: que caigan muchos es normal. El árbol da diez flores por cada limón que puede criar. Pero si caen casi todos, suele ser por una de estas cosas.

1. Sed a saltos. Cuando cuaja, la tierra no debe secarse del todo ni encharcarse. Riegue con orden, por la mañana, y cubra la tierra con paja o corteza.
2. Hambre. De marzo a septiembre, abono de cítricos cada dos o tres semanas, en la dosis que diga el envase.
3. Maceta pequeña. Si asoman raíces por abajo, toca cambiarla por una cuatro dedos más ancha, al final del invierno.
4. Poco sol o mucho viento. Busque el rincón con más horas de luz.

No lo mueva ni lo pode mientras está en flor.""",
        asker="lucero.tomillar",
        answerer="salvia.roureda",
        plot=Plot.QUEUED,
        day=0,
        hour=8,
    ),
    Story(
        topic="daily",
        language="es",
        size="medium",
        title="¿Cómo hago un cocido para dos sin que sobre para una semana?",
        body="""Toda la vida he hecho cocido para siete y ahora somos dos. Cada vez que lo intento me sale una olla que no se acaba. No quiero renunciar a él, pero tampoco comerlo cinco días. ¿Qué cantidades pongo para dos, y qué hago con lo que sobre para que no parezca lo mismo?""",
        answer="""Le entiendo muy bien: a mí también me cuesta cocinar para menos de seis. Estas son mis medidas para dos, con un plato de más.

Para la olla: 120 gramos de garbanzos (una taza de café bien llena), un muslo de pollo, 150 gramos de morcillo, un hueso de jamón pequeño, una zanahoria, una patata, medio puerro y un cuarto de repollo.

1. Remoje los garbanzos doce horas en agua templada con una pizca de sal.
2. Ponga carnes y hueso en agua fría. Al hervir, quite la espuma y eche los garbanzos.
3. En olla normal, dos horas y media a fuego bajo. En olla rápida, unos cuarenta minutos.
4. Añada zanahoria, puerro y patata la última media hora. El repollo, aparte.
5. Cuele el caldo y haga la sopa con un puñado de fideos.

Lo que sobra, con otra cara: el caldo, congelado en dos vasos; los garbanzos con repollo, salteados con ajo, al día siguiente; la carne, deshilachada, para cuatro croquetas o unas empanadillas.

Guarde todo en la nevera antes de dos horas y gástelo en dos o tres días. Y un truco: ponga a remojo el doble de garbanzos y congele la mitad ya remojados. Otro domingo lo tendrá medio hecho.""",
        asker="lucero.tomillar",
        answerer="mirto.candil",
        plot=Plot.PAID_OUT,
        day=18,
        hour=13,
    ),
    Story(
        topic="daily",
        language="es",
        size="small",
        title="¿Cómo lavo un jersey de lana a mano sin que encoja?",
        body="""Tengo un jersey de lana que me tejió mi hermana y no me atrevo a lavarlo. El último lo metí en la lavadora en frío y salió para una muñeca. Quiero hacerlo a mano. ¿Agua fría o templada, qué jabón, y cómo se seca para que no se estire?""",
        answer="""La lana encoge por los cambios de temperatura y por frotar, así que haremos lo contrario: todo a la misma temperatura y sin prisas.

1. Llene un barreño con agua apenas templada, como para bañar a un niño, y poco jabón para lana.
2. Meta el jersey del revés y apriételo con suavidad durante tres minutos. No lo frote.
3. Aclare dos veces con agua igual de templada.
4. No lo retuerza. Enróllelo en una toalla y apriete.
5. Séquelo tumbado sobre otra toalla, con su forma, a la sombra.

Colgado se estira, así que nada de perchas hasta que esté seco.""",
        asker="rocio.espliego",
        answerer="mirto.candil",
        plot=Plot.DRAFT,
        day=3,
        hour=22,
    ),
    Story(
        topic="daily",
        language="es",
        size="small",
        title="¿Qué meto en una maleta pequeña para cinco días de montaña en mayo?",
        body="""Me voy cinco días con el grupo de mayores a un pueblo de montaña, en mayo. Iremos en autobús y solo dejan llevar una maleta de mano. Me han dicho que de día hace calor y de noche frío, y que puede llover. Suelo llevar de todo y luego no lo uso. ¿Me hace una lista corta?""",
        answer="""La regla es vestirse por capas y no llevar nada «por si acaso» que se pueda pedir prestado.

1. Puesto en el autobús: pantalón cómodo, camiseta, chaqueta de lana y los zapatos de andar, que son los que más abultan.
2. En la maleta: otro pantalón, cuatro camisetas, un jersey, un chubasquero fino y un pijama de manga larga.
3. Cinco mudas y cinco pares de calcetines.
4. Zapatillas de estar por casa, gorra, pañuelo y gafas de sol.
5. Neceser pequeño, lo que tome cada día en su caja, y el cargador.

Enrolle la ropa en vez de doblarla. Y deje un hueco, que siempre se vuelve con un queso.""",
        asker="brisa.manzanilla",
        answerer="mirto.candil",
        plot=Plot.AWAITING_PAYMENT,
        day=0,
        hour=20,
    ),
)
